//! What goes over the wire: the API's own shapes, so that an inner type can change without the API changing.

mod chat;
mod turns;
mod webhooks;

use std::collections::BTreeMap;
use std::hash::Hash;

use countersign_policy::approval::{Approval, CancelReason, Outcome, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use chat::{HeardBody, MessageBody, PresentBody, PresentedBody, PromptBody, SentBody};
pub(crate) use turns::{
    BatchBody, CallVerdict, CatalogBody, CatalogTool, GiveUp, GiveUpBody, GivenUpBody, OnAsk, OutcomeBody, TurnBody,
    TurnVerdict,
};
pub(crate) use webhooks::{NewWebhookBody, RetriedBody, WebhookBody};

use crate::store::Replied;

/// One tool call, as its host has it. Whose it is and in which session comes from the token.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallBody {
    /// The program that runs the agent: `claude-code`; for your own agents any name.
    pub(crate) host: String,
    /// Its version.
    #[serde(default)]
    pub(crate) host_version: Option<String>,
    /// The tool as the host names it; one of an MCP server as `mcp__SERVER__TOOL`.
    pub(crate) tool: String,
    /// The MCP server that the tool belongs to, where its name alone does not tell.
    #[serde(default)]
    pub(crate) mcp_server: Option<String>,
    /// The arguments.
    #[schema(value_type = Object)]
    pub(crate) args: serde_json::Map<String, serde_json::Value>,
    /// The working directory, absolute.
    pub(crate) cwd: String,
    /// The project folder, absolute.
    pub(crate) project: String,
    /// The turn or prompt.
    #[serde(default)]
    pub(crate) turn: Option<String>,
    /// The sub-agent.
    #[serde(default)]
    pub(crate) agent: Option<String>,
    /// The host's own mode.
    #[serde(default)]
    pub(crate) mode: Option<String>,
    /// The environment variables that matter to the call.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// The host's id of the call.
    #[serde(default)]
    pub(crate) call_id: Option<String>,
}

impl CallBody {
    /// All of it but for its id.
    pub(crate) fn but_for_its_id(&self) -> impl Eq + Hash {
        let CallBody { host, host_version, tool, mcp_server, args, cwd, project, turn, agent, mode, .. } = self;
        ((host, host_version, tool, mcp_server, args), (cwd, project, turn, agent, mode, &self.environment))
    }
}

/// What policy says of a call.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Verdict {
    /// `allow`: run it. `ask`: a human has to answer first. `deny`: do not run it.
    #[schema(value_type = String, example = "ask")]
    pub(crate) effect: countersign_policy::Effect,
    /// For all but `allow`: one line for the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The digest of the call.
    pub(crate) digest: String,
    /// The revision of the policy that decided.
    pub(crate) revision: String,
    /// A digest of the catalog: while it stays the same, so do the tools that policy and remembered answers let the model
    /// be offered. See `/v1/catalog`.
    pub(crate) catalog: String,
    /// The question about this very call, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) approval: Option<ApprovalBody>,
}

/// A question as its agent sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ApprovalBody {
    /// Its id.
    pub(crate) id: String,
    /// `open`, `allowed` (redeem it), `denied`, `redeemed`, `cancelled` or `expired`.
    pub(crate) state: &'static str,
    /// For `open` and `allowed`: until when, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<i64>,
    /// What the human wants the agent to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) feedback: Option<String>,
    /// For `cancelled`: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) reason: Option<CancelReason>,
    /// For `allowed` and `redeemed`: the arguments that the human allowed instead of those that were asked about. The
    /// call that is redeemed has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) args: Option<serde_json::Value>,
}

impl ApprovalBody {
    pub(crate) fn of(approval: &Approval) -> ApprovalBody {
        let (state, until, answer, reason) = match &approval.state {
            State::Open => ("open", Some(approval.expires.0), None, None),
            State::Allowed { answer, until } => ("allowed", Some(until.0), Some(answer), None),
            State::Denied { answer, .. } => ("denied", None, Some(answer), None),
            State::Redeemed { answer, .. } => ("redeemed", None, Some(answer), None),
            State::Cancelled { reason, .. } => ("cancelled", None, None, Some(*reason)),
            State::Expired { .. } => ("expired", None, None, None),
        };
        let feedback = answer.and_then(|answer| answer.feedback.clone());
        let args = answer.and_then(|answer| answer.edited.as_ref()).map(|edited| edited.args.clone());
        ApprovalBody { id: approval.id.clone(), state, until, feedback, reason, args }
    }
}

/// A human's answer.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplyBody {
    /// `allow` or `deny`.
    #[schema(value_type = String, example = "allow")]
    pub(crate) outcome: Outcome,
    /// How far it reaches: `once`, or one of the question's `scopes`.
    #[serde(default)]
    pub(crate) scope: Option<String>,
    /// For how many seconds it is remembered; without it as long as the scope lasts.
    #[serde(default)]
    pub(crate) seconds: Option<i64>,
    /// What is remembered, of which of the question's parts; only what the question offers.
    #[serde(default)]
    pub(crate) remember: Vec<Choice>,
    /// What the agent is told.
    #[serde(default)]
    pub(crate) feedback: Option<String>,
    /// Other open questions that the same answer is for, by id.
    #[serde(default)]
    pub(crate) also: Vec<String>,
    /// Leaves the other open questions of the turn to be answered themselves, those listed in `also` aside. Without it,
    /// those that what is remembered decides alike are answered with this one.
    #[serde(default)]
    pub(crate) alone: bool,
    /// With `allow`, once: the arguments that are allowed instead, in full. Policy decides anew about them, and the
    /// agent gets them with the answer.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(crate) args: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Answers to several questions: all of them are taken, or none.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepliesBody {
    /// The answers.
    pub(crate) replies: Vec<ReplyTo>,
}

/// An answer and the question that it is for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplyTo {
    /// The question's id.
    pub(crate) approval: String,
    /// The answer.
    pub(crate) reply: ReplyBody,
}

/// What an answer would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PreviewBody {
    /// What would be remembered, in words.
    pub(crate) remembers: Vec<String>,
    /// The other questions that it would answer.
    pub(crate) also: Vec<AlsoBody>,
}

/// Another question that an answer would answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AlsoBody {
    /// Its id.
    pub(crate) id: String,
    /// What it is about, in one line.
    pub(crate) summary: String,
}

/// One of the rules that a question offers to remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    /// The part, by its place in the question's `parts`, from 0.
    pub(crate) part: usize,
    /// The offer, by its place in the part's `offers`, from 0.
    pub(crate) offer: usize,
}

/// What a reply did.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RepliedBody {
    /// The question as it is now.
    pub(crate) approval: ApprovalBody,
    /// The grants that were made, by id.
    pub(crate) grants: Vec<String>,
    /// The other questions that were answered with it, by id.
    pub(crate) also: Vec<String>,
}

impl RepliedBody {
    pub(crate) fn of(replied: Replied) -> RepliedBody {
        RepliedBody {
            approval: ApprovalBody::of(&replied.record.approval),
            grants: replied.grants.into_iter().map(|grant| grant.id).collect(),
            also: replied.also,
        }
    }
}

/// How far a grant is to reach from now on.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromoteBody {
    /// One of its question's `scopes`, wider than its own.
    pub(crate) scope: String,
    /// For how many seconds; without it until it would have ended anyway.
    #[serde(default)]
    pub(crate) seconds: Option<i64>,
}

/// Which tools a host would offer to its model.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolsBody {
    /// The program that runs the agent.
    pub(crate) host: String,
    /// Its version.
    #[serde(default)]
    pub(crate) host_version: Option<String>,
    /// The project folder, absolute.
    pub(crate) project: String,
    /// The tools.
    pub(crate) tools: Vec<ToolBody>,
}

/// One tool.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolBody {
    /// Its name, as the host has it.
    pub(crate) name: String,
    /// The MCP server that it belongs to, if any.
    #[serde(default)]
    pub(crate) mcp_server: Option<String>,
}

/// Whether a tool is offered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ToolVerdict {
    /// Its name.
    pub(crate) name: String,
    /// Whether the model is offered it.
    pub(crate) visible: bool,
    /// If not: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

/// Whose a token is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenKind {
    /// One agent's session.
    #[default]
    Agent,
    /// A program that embeds agents: it sets what is in force in its user's sessions, and brings questions to its user
    /// and the answers back.
    Application,
}

/// What a token is to be good for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenBody {
    /// `agent` unless given, or `application`.
    #[serde(default)]
    pub(crate) kind: TokenKind,
    /// Its name for humans.
    pub(crate) name: String,
    /// For an agent, which needs it: the program that runs it.
    #[serde(default)]
    pub(crate) host: Option<String>,
    /// For an agent, which needs it: the only session that it may speak for, as the host names it.
    #[serde(default)]
    pub(crate) session: Option<String>,
    /// For an agent: the only project that it may speak for, an absolute path. Without it any.
    #[serde(default)]
    pub(crate) project: Option<String>,
    /// For a sub-agent, which needs it: what kind it is, as policy names it in `[agents.KIND]`. Each of its calls is of
    /// that kind, whatever the call says.
    #[serde(default)]
    pub(crate) agent: Option<String>,
    /// For a sub-agent, which needs it: host and session of the agent above (`my-agent:SESSION`), which has a token that
    /// counts. The sub-agent's ends with that one, and is for the same project.
    #[serde(default)]
    pub(crate) parent: Option<String>,
    /// For how many seconds; 12 hours unless given, 30 days at most, and for a sub-agent no longer than its parent's.
    #[serde(default)]
    pub(crate) seconds: Option<i64>,
}

/// A new token. Its secret is said this once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct NewTokenBody {
    /// Its id, for revoking it.
    pub(crate) id: String,
    /// What the agent or the application sends as `Authorization: Bearer SECRET`.
    pub(crate) secret: String,
    /// Until when it counts, in milliseconds since 1970.
    pub(crate) expires: i64,
}

/// How to page through a list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Only what came before this id.
    pub(crate) before: Option<String>,
    /// At most so many; 100 unless given.
    pub(crate) limit: Option<u32>,
}
