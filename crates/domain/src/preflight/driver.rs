//! Whether what carries out the rollout could bring it back: asked of the platform, by looking.

use super::Item;
use crate::{
    Message,
    rollout::{Sight, Trouble, TroubleKind},
};

const ID: &str = "rollback";

/// `about` is what is driven: `replicas of deployment/web`.
pub fn driver(about: &str, seen: &Result<Sight, Trouble>) -> Item {
    let sight = match seen {
        Ok(sight) => sight,
        Err(trouble) => return blind(trouble).about(about),
    };
    let stable = &sight.stable;
    let kept: Vec<String> = sight.past.iter().take(3).map(crate::rollout::Revision::short).collect();
    let more = sight.past.len().saturating_sub(kept.len());
    let (kept, kept_zh) = match (kept.is_empty(), more) {
        (true, _) => ("nothing older is kept".to_owned(), "没有保留更早的版本".to_owned()),
        (false, 0) => (format!("{} can be brought back", kept.join(", ")), format!("可恢复 {}", kept.join("、"))),
        (false, _) => (
            format!("{} and {more} more can be brought back", kept.join(", ")),
            format!("可恢复 {} 等 {} 个版本", kept.join("、"), sight.past.len()),
        ),
    };
    let revision = stable.revision.short();
    let (ready, wanted) = (stable.ready, stable.wanted);
    let told = Message::new(
        format!("stable runs {revision}, {ready} of {wanted} ready; {kept}"),
        format!("稳定版本为 {revision}，{ready}/{wanted} 就绪；{kept_zh}"),
    );
    let item = if let Some(holder) = &sight.holder {
        let settle =
            Message::new(format!("{holder} drives it now: wait for it"), format!("{holder} 正在操作：请等待其结束"));
        Item::not_ready(ID, told, settle)
    } else if !stable.settled() || wanted == 0 {
        let settle = Message::new(
            "what a rollback goes back to is not well: let it settle first",
            "回滚目标尚未就绪：请先等待其稳定",
        );
        Item::not_ready(ID, told, settle)
    } else if let Some(owner) = sight.owner.as_ref().filter(|owner| owner.reverts != Some(false)) {
        let (tool, object) = (&owner.tool, &owner.object);
        let settle = Message::new(
            format!("{tool} ({object}) keeps it as it is in git and may undo a rollback: suspend it for the rollout"),
            format!("{tool}（{object}）会使其与 git 保持一致，可能撤销回滚：发布期间请暂停"),
        );
        Item::unknown(ID, told, settle)
    } else {
        Item::ready(ID, told)
    };
    item.about(about)
}

fn blind(trouble: &Trouble) -> Item {
    let told = Message::new(
        format!("what carries out the rollout cannot look: {trouble}"),
        format!("执行发布的组件无法查看现状：{trouble}"),
    );
    let settle = Message::new(trouble.next.clone(), trouble.next.clone());
    match trouble.kind {
        TroubleKind::Refused | TroubleKind::Unsupported => Item::not_ready(ID, told, settle),
        TroubleKind::Unreachable | TroubleKind::Conflict => Item::unknown(ID, told, settle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        preflight::Verdict,
        rollout::{Owner, Percent, Revision, Side},
    };

    fn sight() -> Sight {
        let revision = Revision("1.4.2".to_owned());
        Sight {
            stable: Side { revision, wanted: 3, ready: 3, old: 0, restarts: 0, out_of_memory: 0 },
            canary: None,
            share: Some(Percent::ZERO),
            past: vec![Revision("1.4.1".to_owned())],
            holder: None,
            owner: None,
            memo: None,
            notices: Vec::new(),
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Sight), expect: Verdict, said: &str) {
        let mut sight = sight();
        change(&mut sight);
        let item = driver("web", &Ok(sight));
        assert_eq!(item.verdict, expect);
        let text = format!("{} | {}", item.told.en, item.settle.map(|settle| settle.en).unwrap_or_default());
        assert!(text.contains(said), "{text}");
    }

    #[test]
    fn a_way_back_needs_something_well_to_go_back_to_that_nobody_else_writes() {
        check(|_| (), Verdict::Ready, "stable runs 1.4.2, 3 of 3 ready; 1.4.1 can be brought back");
        check(|sight| sight.past.clear(), Verdict::Ready, "nothing older is kept");
        check(|sight| sight.stable.ready = 2, Verdict::NotReady, "2 of 3 ready");
        check(|sight| sight.stable.old = 1, Verdict::NotReady, "let it settle first");
        check(|sight| sight.holder = Some("ann".to_owned()), Verdict::NotReady, "ann drives it now");
        let owner = |reverts| Owner { tool: "Flux".to_owned(), object: "apps".to_owned(), reverts };
        check(|sight| sight.owner = Some(owner(None)), Verdict::Unknown, "Flux (apps) keeps it as it is in git");
        check(|sight| sight.owner = Some(owner(Some(false))), Verdict::Ready, "stable runs");
    }

    #[test]
    fn who_gives_no_answer_says_nothing_of_a_way_back() {
        let check = |kind, expect| {
            assert_eq!(driver("web", &Err(Trouble::new(kind, "web", "no", "wait"))).verdict, expect);
        };
        check(TroubleKind::Unreachable, Verdict::Unknown);
        check(TroubleKind::Refused, Verdict::NotReady);
    }
}
