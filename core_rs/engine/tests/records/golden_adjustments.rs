//! Adjustments under four eyes.

use super::*;

const DIGEST: [u8; 32] = [0xD0; 32];

pub fn rows() -> Vec<Row> {
    let (id, source, digest, count) = (300, "fix", DIGEST, 300);
    let propose = ProposeAdjustments { request: REQUEST, source, digest, count };
    let proposed = AdjustmentsEvent::Proposed { id, source, digest, count, by: "anna" };
    let close = |approved| {
        let close = CloseAdjustments { request: REQUEST, adjustments: id, approved };
        Command::CloseAdjustments(close)
    };
    let closed = || vec![Event::Adjustments(AdjustmentsEvent::Closed { id })];
    vec![
        row(
            "propose_adjustments",
            Command::ProposeAdjustments(propose),
            Outcome::Done,
            vec![Event::Adjustments(proposed)],
            "\
         949481b370726f706f73655f61646a7573746d656e74739493a1720107a3666978c420d0d0d0d0 \
         d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0cd012ca36f6d73a3776562 \
         c000a4646f6e659181ab61646a7573746d656e747381a870726f706f73656495cd012ca3666978 \
         c420d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0cd012ca461 \
         6e6e61",
        ),
        row(
            "approve_adjustments",
            close(Some(DIGEST)),
            Outcome::Done,
            closed(),
            "\
         949481b1636c6f73655f61646a7573746d656e74739393a1720107cd012cc420d0d0d0d0d0d0d0 \
         d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0a36f6d73a3776562c000a4646f6e \
         659181ab61646a7573746d656e747381a6636c6f73656491cd012c",
        ),
        row(
            "reject_adjustments",
            close(None),
            Outcome::Done,
            closed(),
            "\
         949481b1636c6f73655f61646a7573746d656e74739393a1720107cd012cc0a36f6d73a3776562 \
         c000a4646f6e659181ab61646a7573746d656e747381a6636c6f73656491cd012c",
        ),
    ]
}
