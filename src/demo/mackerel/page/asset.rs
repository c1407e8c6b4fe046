//! The files of the page, embedded in the program.

use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;

/// What a browser may do on the page: run the page's own scripts and ask its own server, and make
/// no markup out of text.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($name:literal $content_type:ident $path:literal;)*) => {
        &[$(($name, $content_type, include_str!($path))),*]
    };
}

/// Name, type and content.
const FILES: &[(&str, &str, &str)] = files! {
    "style.css" CSS "style.css";
    "icon.svg" SVG "icon.svg";
    "uPlot.js" JS "uplot/uPlot.js";
    "uPlot.css" CSS "uplot/uPlot.css";
    "main.js" JS "js/main.js";
    "alerts.js" JS "js/alerts.js";
    "card.js" JS "js/card.js";
    "colour.js" JS "js/colour.js";
    "data.js" JS "js/data.js";
    "dom.js" JS "js/dom.js";
    "host.js" JS "js/host.js";
    "hosts.js" JS "js/hosts.js";
    "legend.js" JS "js/legend.js";
    "plot.js" JS "js/plot.js";
    "range.js" JS "js/range.js";
    "services.js" JS "js/services.js";
    "tooltip.js" JS "js/tooltip.js";
    "unit.js" JS "js/unit.js";
};

const SVG: &str = "image/svg+xml";

/// The one document, whatever the address: its scripts read the address.
pub fn document(_: &Call, _: &mut Context<'_>) -> Result<Answer, Refusal> {
    let document = include_str!("index.html");
    Ok(Answer::text(HTML, document.to_owned()))
}

/// A file that the document loads.
pub fn file(call: &Call, _: &mut Context<'_>) -> Result<Answer, Refusal> {
    let wanted = call.param("file");
    let found = FILES.iter().find(|(name, _, _)| *name == wanted);
    let (_, content_type, content) = found.ok_or_else(|| Refusal::not_found("not found"))?;
    Ok(Answer::text(content_type, (*content).to_owned()))
}
