//! What belongs to no organization: health, the API's description, mails that local mode shows.

use crate::doors::sample::{Guard, Sample, page};
use crate::doors::world::World;

pub(in crate::doors) fn samples(world: &World) -> Vec<Sample> {
    let open = |sample: Sample| sample.guarded(Guard::Open);
    vec![
        open(page("/openapi.json", "/openapi.json")),
        open(page("/docs", "/docs")),
        open(page("/docs/guides/{guide}", "/docs/guides/curl")),
        open(page("/healthz", "/healthz")),
        open(page("/readyz", "/readyz")),
        open(page("/dev/mail", "/dev/mail")),
        open(page("/dev/mail/{mail_id}", format!("/dev/mail/{}", world.mail))),
    ]
}
