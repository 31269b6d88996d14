//! Quotes: what usage would cost, without recording it.
//!
//! One function for the command, the API and the worked cases: [`quote`].

use crate::event::MAX_REQUEST_TOKENS;
use crate::meter::{Meter, Usage, UsageFormat, usage};
use crate::model::canonical_provider;
use crate::price::{Asked, Attribute, Attributes, BookPrice, BookRows, Books, Context, PriceBook, Variant};
use crate::problem::FieldProblem;
use crate::rating::{ReceiptLine, rate_usage};
use chrono::{DateTime, FixedOffset, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Most quotes in one request.
pub const MAX_QUOTES: usize = 1_000;

/// What is to be quoted.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuoteInput {
    /// Comes back with the answer.
    #[serde(default)]
    pub name: String,
    /// Who sells the model.
    pub provider: String,
    /// The model as the provider names it.
    pub model: String,
    /// Whose shape the usage object has; else it follows from `flavor`, or from provider and operation.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<UsageFormat>))]
    pub usage_format: Option<String>,
    /// Which of the provider's shapes: `default`, `chat`, `responses`, `embeddings` …
    #[serde(default)]
    pub flavor: Option<String>,
    /// `chat`, `embeddings`, `image` …; `chat` when missing.
    #[serde(default)]
    pub operation: Option<String>,
    /// The provider's own usage object, or meters.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub usage: Value,
    /// When the call was made; now when missing.
    #[serde(default)]
    pub at: Option<DateTime<FixedOffset>>,
    /// How it was served.
    #[serde(default)]
    pub context: QuoteContext,
}

/// How a call was served, as far as its usage object does not say so itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuoteContext {
    /// `batch`, or nothing.
    #[serde(default)]
    pub processing: Option<String>,
    /// The tier that was asked for.
    #[serde(default)]
    pub service_tier: Option<String>,
    /// The speed that was asked for.
    #[serde(default)]
    pub speed: Option<String>,
    /// Where it was served.
    #[serde(default)]
    pub region: Option<String>,
    /// Another name of `region`: where the data must stay.
    #[serde(default)]
    pub data_residency: Option<String>,
    /// Another name of `region`: a location of Vertex.
    #[serde(default)]
    pub location: Option<String>,
    /// Data zone of an Azure deployment, which stands before the model's name in the book.
    #[serde(default)]
    pub azure_region_prefix: Option<String>,
    /// Which host behind a seller of many.
    #[serde(default)]
    pub route: Option<String>,
    /// Kind of the search.
    #[serde(default)]
    pub search_type: Option<String>,
    /// How much a search may bring into the context.
    #[serde(default)]
    pub search_context_size: Option<String>,
    /// USD per unit in place of the book's prices, by names such as `input_cost_per_token`.
    #[serde(default, rename = "override")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub own_prices: Option<Map<String, Value>>,
}

/// An answer: exactly one of a price, a reason why there is none, and what is wrong with the question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quote {
    /// The question's.
    pub name: String,
    /// The answer.
    #[serde(flatten)]
    pub answer: QuoteAnswer,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum QuoteAnswer {
    /// It costs this.
    Priced {
        /// US dollars, not rounded.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        usd: Decimal,
        /// The model in the book, as `provider/model`.
        priced_as: String,
        /// What it is made of.
        lines: Vec<QuoteLine>,
    },
    /// Its cost is not known.
    Unpriced {
        /// Why.
        unpriced: String,
    },
    /// The question cannot be read.
    Invalid {
        /// Why.
        invalid: String,
    },
}

/// A line of a quote: quantity x rate / per = amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuoteLine {
    /// What is charged.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub meter: Meter,
    /// How much of it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub quantity: Decimal,
    /// USD of `per` units; of a modifier what it adds to the price.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub rate: Decimal,
    /// Units that the rate is for.
    pub per: u64,
    /// US dollars, not rounded.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub amount: Decimal,
    /// The price or modifier behind it.
    pub price_id: u64,
    /// What the modifier multiplies by, where one is behind this line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub factor: Option<Decimal>,
}

/// Quotes one question with the prices of its own time.
#[must_use]
pub fn quote(books: Books<'_>, input: &QuoteInput, now: DateTime<Utc>) -> Quote {
    let answer = answer(books, input, now).unwrap_or_else(|invalid| QuoteAnswer::Invalid { invalid });
    Quote { name: input.name.clone(), answer }
}

/// Quotes one question as it was sent. What cannot be read is an answer too, so that nothing else is affected.
#[must_use]
pub fn quote_json(books: Books<'_>, question: Value, now: DateTime<Utc>) -> Quote {
    let name = question.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    match serde_json::from_value(question) {
        Ok(input) => quote(books, &input, now),
        Err(error) => {
            Quote { name, answer: QuoteAnswer::Invalid { invalid: format!("The question cannot be read: {error}.") } }
        }
    }
}

/// Quotes one line of JSON, as [`quote_json`].
#[must_use]
pub fn quote_line(books: Books<'_>, line: &str, now: DateTime<Utc>) -> Quote {
    match serde_json::from_str(line) {
        Ok(question) => quote_json(books, question, now),
        Err(error) => Quote {
            name: String::new(),
            answer: QuoteAnswer::Invalid { invalid: format!("This is not JSON: {error}.") },
        },
    }
}

/// A question taken apart: what [`rate_usage`] is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Who sells the model.
    pub provider: &'a str,
    /// The model, with the data zone of an Azure deployment before it.
    pub model: Cow<'a, str>,
    /// What was used.
    pub usage: Usage,
    /// When.
    pub at: DateTime<Utc>,
    /// How it was served.
    pub context: Context<'a>,
}

impl<'a> Question<'a> {
    /// Reads a question; one without a time is of `now`.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn of(input: &'a QuoteInput, now: DateTime<Utc>) -> Result<Self, String> {
        let format = format_of(input)?;
        let usage = usage(format, &input.usage).map_err(|faults| error_text(&faults))?;
        let context = context_of(input);
        // More than one request of a batch can hold: the whole of it.
        let is_sum = context.variant == Variant::Batch && usage.total().input_tokens() > MAX_REQUEST_TOKENS;
        let prefix = input.context.azure_region_prefix.as_deref().map(|prefix| format!("{prefix}/"));
        Ok(Self {
            provider: &input.provider,
            model: match prefix {
                Some(prefix) if !input.model.starts_with(&prefix) => Cow::Owned(prefix + &input.model),
                _ => Cow::Borrowed(&input.model),
            },
            usage,
            at: input.at.map_or(now, |at| at.to_utc()),
            context: context.as_sum(is_sum.then_some(1)),
        })
    }
}

fn answer(books: Books<'_>, input: &QuoteInput, now: DateTime<Utc>) -> Result<QuoteAnswer, String> {
    let Question { provider, model, usage, at, context } = Question::of(input, now)?;
    let own = input.context.own_prices.as_ref().map(|prices| own_book(provider, &model, prices)).transpose()?;
    let books = Books { own: own.as_ref().or(books.own), ..books };
    let rated = match rate_usage(books, provider, &model, &usage, at, context) {
        Ok(rated) => rated,
        Err(unpriced) => return Ok(QuoteAnswer::Unpriced { unpriced: unpriced.to_string() }),
    };
    let lines = rated.receipt.lines.iter().map(line).collect::<Option<Vec<_>>>();
    let sum = lines.as_ref().and_then(|lines| {
        lines.iter().try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line.amount)).map(|usd| usd.normalize())
    });
    match (lines, sum) {
        (Some(lines), Some(usd)) => Ok(QuoteAnswer::Priced { usd, priced_as: rated.priced_as, lines }),
        _ => Err("The amount is beyond what a decimal holds.".to_owned()),
    }
}

fn line(line: &ReceiptLine) -> Option<QuoteLine> {
    let (rate, price_id) = (line.source.rate()?, line.source.id()?);
    Some(QuoteLine {
        meter: line.meter,
        quantity: line.quantity.normalize(),
        rate: rate.usd.normalize(),
        per: rate.per,
        amount: line.unrounded()?.normalize(),
        price_id,
        factor: line.source.factor(),
    })
}

fn error_text(faults: &[FieldProblem]) -> String {
    let details: Vec<&str> = faults.iter().map(|fault| fault.detail.as_str()).collect();
    details.join(" ")
}

fn context_of(input: &QuoteInput) -> Context<'_> {
    let said = &input.context;
    let asked = Asked {
        service_tier: said.service_tier.as_deref(),
        speed: said.speed.as_deref(),
        batch: said.processing.as_deref() == Some(Variant::Batch.as_str()),
        region: said.region.as_deref().or(said.data_residency.as_deref()).or(said.location.as_deref()),
    };
    Context::of(asked, &input.usage)
        .with(Attribute::Route, said.route.as_deref())
        .with(Attribute::SearchType, said.search_type.as_deref())
        .with(Attribute::SearchContext, said.search_context_size.as_deref())
}

/// The usage format: as named, else as the flavor of this provider, else the provider's own.
fn format_of(input: &QuoteInput) -> Result<UsageFormat, String> {
    if let Some(word) = &input.usage_format {
        return word.parse().map_err(|problem: FieldProblem| problem.detail);
    }
    let operation = input.operation.as_deref().unwrap_or("chat");
    let (format, named) = match &input.flavor {
        Some(flavor) => (flavored(input, flavor), format!("flavor `{flavor}`")),
        None => (UsageFormat::default_for(&input.provider, operation), format!("operation `{operation}`")),
    };
    format.ok_or_else(|| {
        format!("No usage format is known for {named} of `{}`; name one as `usage_format`.", input.provider)
    })
}

/// The format of a provider's flavor.
fn flavored(input: &QuoteInput, flavor: &str) -> Option<UsageFormat> {
    let own = || UsageFormat::default_for(&input.provider, "chat");
    let (provider, model) = (canonical_provider(&input.provider), &input.model);
    Some(match flavor {
        "default" if provider == "x-ai" => UsageFormat::XaiNative,
        "default" if provider == "perplexity" && model.contains("deep-research") => UsageFormat::PerplexityDeepResearch,
        "default" if matches!(&*provider, "openrouter" | "openai-decisions" | "typesafe") => {
            UsageFormat::OpenaiResponses
        }
        "default" => own()?,
        "chat" | "chat+tools" => match own() {
            Some(
                like_openai @ (UsageFormat::XaiChat
                | UsageFormat::Deepseek
                | UsageFormat::Moonshot
                | UsageFormat::Databricks),
            ) => like_openai,
            // Anthropic's and Moonshot's copies of OpenAI's shape tell cached tokens beside the totals.
            Some(UsageFormat::Anthropic) => UsageFormat::Moonshot,
            _ => UsageFormat::OpenaiChat,
        },
        "responses" if provider == "perplexity" => UsageFormat::PerplexityResponses,
        "responses" | "decisions" | "systemone" => UsageFormat::OpenaiResponses,
        "realtime" if provider == "x-ai" => UsageFormat::XaiRealtime,
        "realtime" => UsageFormat::OpenaiRealtime,
        "live" => UsageFormat::OpenaiLive,
        "images" => UsageFormat::OpenaiImages,
        // Cohere's own interface says what it bills; its copies of OpenAI's do not.
        "embeddings" if provider == "cohere" && input.usage.get("billed_units").is_some() => UsageFormat::Cohere,
        "embeddings" => UsageFormat::OpenaiEmbeddings,
        "anthropic" => UsageFormat::Anthropic,
        "gemini" | "gemini+grounding" => UsageFormat::Gemini,
        "bedrock_converse" => UsageFormat::BedrockConverse,
        "ocr" => UsageFormat::MistralOcr,
        "ocr_annotated" => UsageFormat::MistralOcrAnnotated,
        "normalized" => UsageFormat::GenaiPrices,
        "litellm" => UsageFormat::Litellm,
        "multimodal_embedding" => UsageFormat::MultimodalEmbedding,
        "image_count"
        | "video_seconds"
        | "audio_seconds"
        | "characters"
        | "search_queries"
        | "rerank_billed_units"
        | "provisioned_seconds"
        | "counters" => UsageFormat::Counters,
        "meters" => UsageFormat::Meters,
        _ => return None,
    })
}

/// Prices that a question brings with it, and the meters they are for.
const OWN_PRICES: [(&str, Meter); 16] = [
    ("input_cost_per_token", Meter::InputUncached),
    ("output_cost_per_token", Meter::Output),
    ("cache_read_input_token_cost", Meter::InputCacheRead),
    ("cache_creation_input_token_cost", Meter::InputCacheWrite),
    ("cache_creation_input_token_cost_above_1hr", Meter::InputCacheWrite1h),
    ("cache_creation_input_token_cost_above_12hr", Meter::InputCacheWrite12h),
    ("output_cost_per_reasoning_token", Meter::OutputReasoning),
    ("input_cost_per_audio_token", Meter::InputAudio),
    ("output_cost_per_audio_token", Meter::OutputAudio),
    ("input_cost_per_image_token", Meter::InputImage),
    ("output_cost_per_image_token", Meter::OutputImage),
    ("input_cost_per_second", Meter::AudioSeconds),
    ("output_cost_per_second", Meter::VideoSeconds),
    ("input_cost_per_character", Meter::Characters),
    ("output_cost_per_image", Meter::Images),
    ("input_cost_per_query", Meter::RerankUnits),
];

/// The book of an organization that has just these prices, for ever.
fn own_book(provider: &str, model: &str, prices: &Map<String, Value>) -> Result<PriceBook, String> {
    let provider = canonical_provider(provider).into_owned();
    let row = |(index, (key, rate)): (usize, (&String, &Value))| {
        let (_, meter) = OWN_PRICES
            .iter()
            .find(|(known, _)| known == key)
            .ok_or_else(|| format!("`{key}` is not a price that can be overridden."))?;
        let text = rate.as_str().map_or_else(|| rate.to_string(), str::to_owned);
        let rate = text.parse().or_else(|_| Decimal::from_scientific(&text)).ok().filter(|rate| *rate >= Decimal::ZERO);
        Ok(BookPrice {
            price_id: crate::rule::FIRST_RULE_ID + u64::try_from(index).unwrap_or_default(),
            provider: provider.clone(),
            model: model.to_owned(),
            meter: *meter,
            variant: Variant::Standard,
            attributes: Attributes::NONE,
            tier_from: 0,
            tier_inclusive: true,
            quantity_min: None,
            quantity_max: None,
            quantity_whole: false,
            rate: rate.ok_or_else(|| format!("`{key}` must be a price of at least 0."))?,
            per: 1,
            valid_from: None,
            valid_to: None,
            schedule: None,
            source: "override".to_owned(),
            source_version: String::new(),
            source_url: None,
            derived: None,
        })
    };
    let prices = prices.iter().enumerate().map(row).collect::<Result<Vec<_>, String>>()?;
    Ok(PriceBook::new(BookRows { prices, ..BookRows::default() }))
}

#[cfg(test)]
mod tests;
