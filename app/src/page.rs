//! The one way a page is loaded, refused and drawn.
//!
//! A page is a function: it asks `backend` for what it shows, with the scope of whoever visits it, and draws it. Its errors become what the reader sees in its place, with the status of the answer.
//! Nothing is sent before a page is whole, and nothing of it is made again in the browser.

use crate::caller::SignedIn;
use crate::error::{AppError, Failure};
use crate::identity::{self, FrameData};
use crate::layout::{Plain, UrlQuery, print_head};
use crate::ui::{ErrorState, PageHead, html};
use axum::extract::{RawPathParams, Request};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use backend::{Backend, OrgScope};
use domain::identity::{Permission, User};
use domain::ids::UserId;
use domain::problem::Problem;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use hydration_context::SsrSharedContext;
use leptos::nonce::{provide_nonce, use_nonce};
use leptos::prelude::*;
use leptos::reactive::computed::ScopedFuture;
use leptos_axum::ResponseOptions;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

/// The browser fetches a page while the pointer rests on its link. Files, and links that are buttons, wait for the click.
const PREFETCHED: &str = r#"{"prefetch":[{"where":{"and":[{"href_matches":"/*"},{"not":{"href_matches":"/*.csv*"}},{"not":{"selector_matches":"[download],[rel~=nofollow]"}}]},"eagerness":"moderate"}]}"#;

/// Loads the code and wakes every island of the page, and those that come into it later.
const WAKING: &str = "(async (address, code) => { await code.default({ module_or_path: address }); code.hydrate(); window.wakeIsland = (island) => code[island.dataset.component]?.(island); for (const island of document.querySelectorAll('leptos-island')) window.wakeIsland(island) })";

/// Pages of an organization: the reader's browser may keep them, to go back to, and asks again whether they are still its reader's.
const ASKED_AGAIN: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Pages outside of organizations: passwords are typed into them, and links with secrets lead to them.
const KEPT_NOWHERE: HeaderValue = HeaderValue::from_static("no-store");

/// A page, or why there is none.
pub type Drawn = Result<Page, AppError>;

/// What a page shows.
pub struct Page {
    title: String,
    body: AnyView,
    /// Whose page it is, where it is somebody's.
    reader: Option<UserId>,
}

impl Page {
    /// A page with its title, which stands on the browser's tab.
    pub fn new(title: impl Into<String>, body: impl IntoAny) -> Self {
        Self { title: title.into(), body: body.into_any(), reader: None }
    }
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Address {
    /// The path.
    pub path: String,
    /// The parameters behind it.
    pub query: UrlQuery,
    parts: Vec<(String, String)>,
}

impl Address {
    /// What an address says, with the parts that the route table names.
    #[must_use]
    pub fn of(uri: &http::Uri, parts: Vec<(String, String)>) -> Self {
        let query = UrlQuery::read(uri.query().unwrap_or_default());
        Self { path: uri.path().to_owned(), query: query.with_added_filter(), parts }
    }

    /// The part of the path that the route table calls so.
    #[must_use]
    pub fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value)
    }

    /// The same as an id or another word.
    ///
    /// # Errors
    /// [`Problem::NotFound`] for what cannot be one.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<T, AppError> {
        self.part(name).parse().map_err(|_| AppError::of(Problem::NotFound))
    }
}

/// A member on a page of their organization.
#[derive(Clone)]
pub struct Visit {
    /// What they may see.
    pub scope: OrgScope,
    /// Who they are.
    pub user: User,
    /// The verbs.
    pub backend: Backend,
    /// What stands around the page: the organization, the reader's role, today.
    pub frame: FrameData,
    address: Address,
}

impl Deref for Visit {
    type Target = Address;

    fn deref(&self) -> &Address {
        &self.address
    }
}

impl Visit {
    /// Lets members in; everybody else is sent to sign in, or told nothing.
    async fn enter(address: Address) -> Result<Self, AppError> {
        let org = address.part("org");
        let SignedIn { user, backend, .. } = SignedIn::or_sign_in().await?;
        let scope = backend::identity::scope_for_user(&backend, user.user_id, org).await?;
        let frame = identity::frame(&backend, &scope, &user, org).await?;
        Ok(Self { scope, user, backend, frame, address })
    }

    /// Slug of the organization.
    #[must_use]
    pub fn org(&self) -> &str {
        &self.frame.organization.slug
    }
}

/// Addresses of the browser's files.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The style sheet.
    pub sheet: String,
    /// What loads the code.
    pub script: String,
    /// The code: islands.
    pub code: String,
}

/// What every page needs of the server.
#[derive(Clone)]
pub struct Site {
    files: Files,
    context: Arc<dyn Fn() + Send + Sync>,
}

impl Site {
    /// With the browser's files, and what every page finds in its context.
    pub fn new(files: Files, context: impl Fn() + Send + Sync + 'static) -> Self {
        Self { files, context: Arc::new(context) }
    }

    /// A page outside of organizations.
    pub fn plain<S, F, Made>(&self, draw: F) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(Address) -> Made + Clone + Send + Sync + 'static,
        Made: Future<Output = Drawn> + Send + 'static,
    {
        let site = self.clone();
        get(move |parts: RawPathParams, request: Request| {
            let made = draw.clone();
            let parts = parts.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            site.clone().answer(parts, request, async move |address| made(address).await.unwrap_or_else(refused))
        })
    }

    /// A page of an organization, in its frame.
    pub fn inside<S, F, Made>(&self, draw: F) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(Visit) -> Made + Clone + Send + Sync + 'static,
        Made: Future<Output = Drawn> + Send + 'static,
    {
        self.plain(move |address| in_frame(address, draw.clone()))
    }

    /// The same for a page about all projects: whoever sees some teams alone is refused.
    pub fn whole<S, F, Made>(&self, draw: F) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(Visit) -> Made + Clone + Send + Sync + 'static,
        Made: Future<Output = Drawn> + Send + 'static,
    {
        self.inside(move |visit| {
            let allowed = visit.scope.require(Permission::ReadPrices).map(|()| draw(visit));
            async move { allowed?.await }
        })
    }

    /// What stands at every address that has no page: below an organization in its frame, for those who may see it.
    pub async fn nothing(self, request: Request) -> Response {
        let mut segments = request.uri().path().split('/').skip(1);
        let (Some("o"), Some(org)) = (segments.next(), segments.next()) else {
            return self.answer(Vec::new(), request, async |_| identity::not_found()).await;
        };
        let parts = vec![("org".to_owned(), org.to_owned())];
        let nothing = async |_: Visit| Err(Problem::NotFound.into());
        self.answer(parts, request, async |address| in_frame(address, nothing).await.unwrap_or_else(refused)).await
    }

    async fn answer<Made>(
        self,
        path_parts: Vec<(String, String)>,
        request: Request,
        make: impl FnOnce(Address) -> Made,
    ) -> Response
    where
        Made: Future<Output = Page> + Send,
    {
        if let Some(path) = without_last_slash(request.uri()) {
            return Redirect::permanent(&path).into_response();
        }
        let (parts, _) = request.into_parts();
        let address = Address::of(&parts.uri, path_parts);
        let options = ResponseOptions::default();
        // Islands ask it whether they are being drawn for the first time.
        let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
        let html = owner.with(|| {
            provide_context(parts);
            provide_context(options.clone());
            provide_context(address.clone());
            provide_nonce();
            (self.context)();
            ScopedFuture::new(make(address))
        });
        let page = html.await;
        let cache = if page.reader.is_some() { ASKED_AGAIN } else { KEPT_NOWHERE };
        let html = owner.with(|| document(&self.files, page).to_html());
        owner.unset_with_forced_cleanup();
        with_options(([(CACHE_CONTROL, cache)], Html(html)).into_response(), &options)
    }
}

/// A page of an organization, in its frame.
async fn in_frame<Made>(address: Address, draw: impl FnOnce(Visit) -> Made) -> Drawn
where
    Made: Future<Output = Drawn>,
{
    let visit = Visit::enter(address).await?;
    // By itself: every date of a list asks for it, and the whole frame is large.
    provide_context(visit.frame.offsets.clone());
    // On the heap: what pages read is large, and they are drawn from deep below.
    let (page, waiting) = futures::join!(Box::pin(draw(visit.clone())), identity::waiting(&visit));
    let Page { title, body, .. } = page.unwrap_or_else(missing);
    let head = print_head(&visit.frame.organization.name, &title, visit.frame.calendar());
    let body = html! { {head}{body} };
    let framed = Page::new(title, Box::pin(identity::framed(&visit, waiting, body)).await);
    Ok(Page { reader: Some(visit.user.user_id), ..framed })
}

/// The address of a page that was asked for with a slash behind it. Two slashes at its beginning would lead to another host.
fn without_last_slash(uri: &http::Uri) -> Option<String> {
    let path = uri.path().strip_suffix('/')?.trim_matches('/');
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    (!path.is_empty()).then(|| format!("/{path}{query}"))
}

/// Status and headers that were set while the page was made.
fn with_options(mut response: Response, options: &ResponseOptions) -> Response {
    if let Ok(set) = options.0.read() {
        if let Some(status) = set.status {
            *response.status_mut() = status;
        }
        response.headers_mut().extend(set.headers.clone());
    }
    response
}

/// The document around every page.
fn document(files: &Files, page: Page) -> impl IntoView {
    let Files { sheet, script, code } = files.clone();
    let waking = format!("import({script:?}).then((code) => {WAKING}({code:?}, code))");
    let Page { title, body, reader } = page;
    let title = if title.is_empty() { "Tallystick".to_owned() } else { format!("{title} · Tallystick") };
    // As markup: Leptos would end a text of its own with a mark, which a title shows.
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=crate::layout::theme::current().attribute() data-reader=reader.map(|reader| reader.to_string())>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title inner_html=title></title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=sheet />
                <link rel="modulepreload" href=script />
                <link rel="preload" href=code r#as="fetch" r#type="application/wasm" crossorigin="" />
                <script type="module" nonce=use_nonce() inner_html=waking></script>
                <script type="speculationrules" nonce=use_nonce() inner_html=PREFETCHED></script>
            </head>
            <body>{body}</body>
        </html>
    }
}

/// In the frame, where the page itself could not be had.
fn missing(error: AppError) -> Page {
    let title = error.0.title();
    Page::new(title, view! { <PageHead title=title hidden=true/><Failure error=error/> })
}

/// Where not even the frame is the reader's to see.
fn refused(AppError(problem): AppError) -> Page {
    match problem {
        Problem::NotFound => identity::not_found(),
        // The browser is on its way to the sign-in page.
        Problem::Unauthenticated => Page::new(
            "Sign in to go on",
            view! { <Plain><PageHead title="Sign in to go on"/><a class="button" href="/sign-in">"Sign in"</a></Plain> },
        ),
        problem => {
            let (title, detail) = (problem.title(), problem.detail());
            Page::new(title, view! { <Plain><PageHead title=title/><ErrorState title=detail/></Plain> })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::without_last_slash;

    #[test]
    fn a_slash_behind_an_address_leads_to_the_page() {
        let of = |uri: &str| without_last_slash(&uri.parse().unwrap());
        assert_eq!(of("/o/acme/explore/?period=7d").as_deref(), Some("/o/acme/explore?period=7d"));
        assert_eq!(of("//evil.example/").as_deref(), Some("/evil.example"));
        assert_eq!((of("/"), of("/o/acme"), of("//")), (None, None, None));
    }
}
