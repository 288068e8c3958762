//! clawbolt: turns of several calls, and one prompt after the other in a chat.

