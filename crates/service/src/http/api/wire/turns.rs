//! Turns, their batches, and the catalog.

use std::collections::BTreeMap;

use countersign_policy::approval::CancelReason;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApprovalBody, Verdict};

/// The calls of one turn.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TurnBody {
    /// The program that runs the agent.
    pub(crate) host: String,
    /// Its version.
    #[serde(default)]
    pub(crate) host_version: Option<String>,
    /// The working directory, absolute.
    pub(crate) cwd: String,
    /// The project folder, absolute.
    pub(crate) project: String,
    /// The turn, as the host names it.
    pub(crate) turn: String,
    /// The sub-agent.
    #[serde(default)]
    pub(crate) agent: Option<String>,
    /// The host's own mode.
    #[serde(default)]
    pub(crate) mode: Option<String>,
    /// The environment variables that matter to the calls.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// What happens where a human has to be asked: `wait` for the answers, or `defer`: the turn ends, and the agent is
    /// resumed once all are answered, however long that takes.
    #[serde(default)]
    pub(crate) on_ask: OnAsk,
    /// The calls, in their order.
    pub(crate) calls: Vec<TurnCall>,
}

/// What a turn does where a human has to be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnAsk {
    /// It waits.
    #[default]
    Wait,
    /// It ends, and is resumed.
    Defer,
}

/// One call of a turn.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TurnCall {
    /// The host's id of the call, unlike that of every other call of the turn.
    pub(crate) id: String,
    /// The tool as the host names it.
    pub(crate) tool: String,
    /// The MCP server that the tool belongs to, where its name alone does not tell.
    #[serde(default)]
    pub(crate) mcp_server: Option<String>,
    /// The arguments.
    #[schema(value_type = Object)]
    pub(crate) args: serde_json::Map<String, serde_json::Value>,
}

/// What policy says of the calls of a turn.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TurnVerdict {
    /// Each call's verdict, in their order.
    pub(crate) calls: Vec<CallVerdict>,
    /// A digest of the catalog, see `/v1/catalog`.
    pub(crate) catalog: String,
    /// The questions of this turn, if a human has to be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<BatchBody>,
    /// Earlier turns of this session whose questions are all over: they are resumed with this, once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) resumed: Vec<BatchBody>,
}

/// One call of a turn with its verdict.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CallVerdict {
    /// The host's id of the call.
    pub(crate) id: String,
    /// What policy says of it.
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
}

/// The questions of one turn.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BatchBody {
    /// Its id.
    pub(crate) id: String,
    /// The turn, as the host names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) turn: Option<String>,
    /// `open`, `ready` (all are over: resume it), `resumed` or `cancelled`.
    pub(crate) state: &'static str,
    /// For `cancelled`: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) reason: Option<CancelReason>,
    /// For `resumed`: when its agent was, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<i64>,
    /// What became of each call that was asked about.
    pub(crate) outcomes: Vec<OutcomeBody>,
}

/// What became of a call that was asked about.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OutcomeBody {
    /// The host's id of the call.
    pub(crate) call: String,
    /// `open`, `approved` (redeem it), `denied`, `cancelled` or `expired`; `repeated` for the same call once more in a
    /// turn: a yes counts once, so it has to be asked about again.
    pub(crate) outcome: &'static str,
    /// The question about it.
    pub(crate) approval: ApprovalBody,
}

/// What a turn is given up for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiveUpBody {
    /// The turn as the host names it; without it all turns of the session.
    #[serde(default)]
    pub(crate) turn: Option<String>,
    /// `stop`, `start_over` (ends what was allowed for this session and for turns, too) or `new_message`.
    pub(crate) reason: GiveUp,
}

/// Why a turn is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GiveUp {
    /// The human stopped the agent.
    Stop,
    /// The conversation was started over.
    StartOver,
    /// A new message came in between.
    NewMessage,
}

/// What was given up.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct GivenUpBody {
    /// The questions that were withdrawn, by id.
    pub(crate) cancelled: Vec<String>,
}

/// A tool of the catalog.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CatalogTool {
    /// Its action: `github/create_issue`, `tool:NAME`.
    pub(crate) tool: String,
    /// `read`, `write` or `delete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) class: Option<countersign_policy::Class>,
    /// Its group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// The tools that are one to a human: versions of the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) family: Option<String>,
    /// Whether the model is offered it.
    pub(crate) visible: bool,
    /// If not: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

/// The catalog of a project.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CatalogBody {
    /// Its digest.
    pub(crate) hash: String,
    /// Its tools.
    pub(crate) tools: Vec<CatalogTool>,
}
