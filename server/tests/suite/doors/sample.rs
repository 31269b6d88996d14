//! How to knock on a door: a valid request, and who is let in.

use super::world::{SLUG, World};
use crate::support::{Answer, Client, FORM_WITH_FILE, form_with_file};
use axum::body::Body;
use axum::http::Method;
use domain::identity::{KeyScope, Permission};
use serde_json::Value;

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// Anybody: the door belongs to no organization, or a secret of its own opens it.
    Open,
    /// Every signed-in person, to what is theirs.
    SignedIn,
    /// Members whose role may do this.
    Member(Permission),
    /// Keys with this scope.
    Key(KeyScope),
}

/// What is sent.
#[derive(Clone, Debug)]
enum Call {
    /// A browser asks for a page or a file.
    Page,
    /// A form is posted.
    Form(Vec<(String, String)>),
    /// A form with a file is posted: the texts before it, and the file.
    File(Vec<(String, String)>, &'static str),
    /// A program speaks to the API.
    Api(Method, Option<Value>),
    /// A program sends a text to the API.
    Text(Method, &'static str),
}

/// A door with a request that is valid for it.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// The door as the code lists it: `POST /fn/keys/list`, `GET /o/{org}/explore`, `GET /v1/events/{id}`.
    pub(super) door: String,
    pub(super) guard: Guard,
    /// Where the request goes, with its query.
    path: String,
    call: Call,
    /// Whether what it names belongs to no organization.
    common: bool,
}

/// A page at `path` of the route `route`, for members.
pub(super) fn page(route: &str, path: impl Into<String>) -> Sample {
    Sample::new(format!("GET {route}"), path, Guard::Member(Permission::Read), Call::Page)
}

/// A form of the organization's members; `org` is added.
pub(super) fn form(endpoint: &str, fields: &[(&str, &str)]) -> Sample {
    let fields = [("org", SLUG)].iter().chain(fields).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let call = Call::Form(fields.collect());
    let path = format!("/fn/{endpoint}");
    Sample::new(format!("POST {path}"), path, Guard::Member(Permission::Read), call)
}

/// A form with a file for a plain route, with these texts before it.
pub(super) fn file(route: &str, path: impl Into<String>, texts: &[(&str, &str)], file: &'static str) -> Sample {
    let texts = texts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sample::new(format!("POST {route}"), path, Guard::Member(Permission::Read), Call::File(texts, file))
}

/// A request to the API without a body, for keys that may read.
pub(super) fn api(door: &str, path: impl Into<String>) -> Sample {
    let method = door.split(' ').next().unwrap().parse().unwrap();
    Sample::new(door.to_owned(), path, Guard::Key(KeyScope::Read), Call::Api(method, None))
}

impl Sample {
    fn new(door: String, path: impl Into<String>, guard: Guard, call: Call) -> Self {
        Self { door, guard, path: path.into(), call, common: false }
    }

    /// Not for every member or key.
    pub(super) fn guarded(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    /// For members whose role may do this.
    pub(super) fn needs(self, permission: Permission) -> Self {
        self.guarded(Guard::Member(permission))
    }

    /// What it names belongs to no organization: everybody who may read at all may read it.
    pub(super) fn common(self) -> Self {
        Self { common: true, ..self }
    }

    /// With a JSON body.
    pub(super) fn body(self, body: Value) -> Self {
        let Call::Api(method, _) = self.call else { panic!("{} is not of the API", self.door) };
        Self { call: Call::Api(method, Some(body)), ..self }
    }

    /// With a text as its body.
    pub(super) fn text(self, text: &'static str) -> Self {
        let Call::Api(method, _) = self.call else { panic!("{} is not of the API", self.door) };
        Self { call: Call::Text(method, text), ..self }
    }

    /// Whether the request may change something when it is let in.
    pub(super) fn changes(&self) -> bool {
        match &self.call {
            Call::Page => false,
            Call::Form(_) | Call::File(..) => true,
            Call::Api(method, _) | Call::Text(method, _) => *method != Method::GET,
        }
    }

    /// Whether the path names one thing, which must not be known to exist.
    pub(super) fn names_one(&self) -> bool {
        !self.common && self.door.contains('{')
    }

    /// Knocks.
    pub(super) async fn knock(&self, client: &Client) -> Answer {
        let site = ("sec-fetch-site", "same-origin");
        let json = ("content-type", "application/json");
        let accepts = ("accept", "application/json");
        match &self.call {
            Call::Page => client.get(&self.path).await,
            Call::Form(fields) => {
                let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                let headers = [("content-type", "application/x-www-form-urlencoded"), accepts, site];
                client.send(Method::POST, &self.path, &headers, Body::from(body)).await
            }
            Call::File(texts, file) => {
                let headers = [("content-type", FORM_WITH_FILE), accepts, site];
                client.send(Method::POST, &self.path, &headers, Body::from(form_with_file(texts, file))).await
            }
            Call::Api(method, Some(body)) => {
                client.send(method.clone(), &self.path, &[json, accepts], Body::from(body.to_string())).await
            }
            Call::Text(method, text) => {
                let plain = ("content-type", "text/plain");
                client.send(method.clone(), &self.path, &[plain, accepts], Body::from(*text)).await
            }
            Call::Api(method, None) => client.send(method.clone(), &self.path, &[accepts], Body::empty()).await,
        }
    }
}

/// All samples. To add a room, add its file and its line here.
pub(super) fn samples(world: &World) -> Vec<Sample> {
    use super::samples::{
        allocation, budgets, business_metrics, charges, events, exports, identity, keys, labels, others, prices,
        projects, spend, views,
    };
    let rooms = [
        allocation::samples(world),
        budgets::samples(world),
        business_metrics::samples(world),
        charges::samples(world),
        events::samples(world),
        exports::samples(),
        identity::samples(world),
        keys::samples(world),
        labels::samples(world),
        others::samples(world),
        prices::samples(world),
        projects::samples(world),
        spend::samples(world),
        views::samples(world),
    ];
    rooms.into_iter().flatten().collect()
}
