//! What the address of an endpoint says of where a call was served.

/// Endings of Vertex's hosts: `us-east5-aiplatform.googleapis.com`, and `aiplatform.eu.rep.googleapis.com` of a multi-region.
const GOOGLE: &str = ".googleapis.com";

/// The region that an endpoint names, as its seller writes it; `global` where the seller says that it is none. None where the address says nothing of it.
///
/// * Vertex: <https://cloud.google.com/vertex-ai/docs/general/googleapi-access-methods>, the location in a path included.
/// * OpenAI's hosts of data residency: <https://developers.openai.com/api/docs/guides/your-data>.
/// * Bedrock: <https://docs.aws.amazon.com/general/latest/gr/bedrock.html>.
#[must_use]
pub fn region(address: &str) -> Option<String> {
    let address = address.trim();
    let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (authority, path) = after_scheme.split_once('/').unwrap_or((after_scheme, ""));
    let host = authority.rsplit('@').next()?.split(':').next()?.trim_end_matches('.').to_ascii_lowercase();
    let found = vertex(&host, path).or_else(|| openai(&host)).or_else(|| bedrock(&host))?;
    is_region(found).then(|| found.to_owned())
}

fn vertex<'a>(host: &'a str, path: &'a str) -> Option<&'a str> {
    let service = host.strip_suffix(GOOGLE)?;
    let of_host = match service {
        "aiplatform" => "global",
        _ => {
            service.strip_suffix("-aiplatform").or_else(|| service.strip_prefix("aiplatform.")?.strip_suffix(".rep"))?
        }
    };
    let mut parts = path.split('/').skip_while(|part| *part != "locations").skip(1);
    Some(parts.next().filter(|location| is_region(location)).unwrap_or(of_host))
}

fn openai(host: &str) -> Option<&str> {
    host.strip_suffix(".api.openai.com").filter(|region| !region.contains('.'))
}

/// `bedrock-runtime.eu-central-1.amazonaws.com`, with whatever stands before: an endpoint of a private network does.
fn bedrock(host: &str) -> Option<&str> {
    let service =
        [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].into_iter().find_map(|ending| host.strip_suffix(ending))?;
    let mut labels = service.split('.').skip_while(|label| !label.starts_with("bedrock"));
    labels.nth(1)
}

fn is_region(text: &str) -> bool {
    !text.is_empty() && text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_names_its_region_or_nothing() {
        for (address, told) in [
            ("us-east5-aiplatform.googleapis.com", Some("us-east5")),
            (
                "https://europe-west1-aiplatform.googleapis.com:443/v1/projects/p/locations/europe-west1/x",
                Some("europe-west1"),
            ),
            ("https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/anthropic", Some("global")),
            ("aiplatform.googleapis.com", Some("global")),
            ("https://aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers", Some("us-east5")),
            ("aiplatform.eu.rep.googleapis.com", Some("eu")),
            ("generativelanguage.googleapis.com", None),
            ("https://eu.api.openai.com/v1", Some("eu")),
            ("EU.API.OPENAI.COM", Some("eu")),
            ("api.openai.com", None),
            ("https://bedrock-runtime.us-east-1.amazonaws.com", Some("us-east-1")),
            ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", Some("us-gov-west-1")),
            ("vpce-0a1.bedrock-runtime.eu-west-1.vpce.amazonaws.com", Some("eu-west-1")),
            ("bedrock-mantle.us-east-2.api.aws", Some("us-east-2")),
            ("s3.us-east-1.amazonaws.com", None),
            ("http://localhost:4000/locations/global", None),
            ("10.0.0.1", None),
            ("evil-aiplatform.googleapis.com.example.com", None),
            ("", None),
        ] {
            assert_eq!(region(address).as_deref(), told, "{address}");
        }
    }
}
