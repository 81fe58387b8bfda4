//! What callers do behind the gate, as the policies judge it.

use std::path::Path;
use std::sync::Arc;

use sealgate_policy::cedar::QuestionError;

use super::Gate;
use super::known::refused;
use crate::caller::Caller;
use crate::decision::Decision;
use crate::denial::Denial;
use crate::policy::{self, Act, Judged, Loaded};
use crate::requirement::{Kinds, Need, Requirement};
use crate::response::Response;
use crate::settings::SettingsError;
use crate::standing;

impl Gate {
    /// Why `caller`, who passed the gate, may not do `act`, or nothing. What they came with has to be good still:
    /// handlers and what they leave behind may take long.
    ///
    /// # Errors
    /// Where what the application tells does not fit what the policies declare. Nobody may then.
    pub fn permits(&self, caller: &Caller, act: Act<'_>) -> Result<Option<Denial>, QuestionError> {
        self.judged_act(caller, act).map(|judged| judged.denial)
    }

    /// The same, and which policies say so.
    fn judged_act(&self, caller: &Caller, act: Act<'_>) -> Result<Judged, QuestionError> {
        match self.common.policy().about_now(caller) {
            Err(denial) => Ok(denial.into()),
            Ok(loaded) => match self.lapsed(loaded.as_deref(), caller) {
                Some(denial) => Ok(denial.into()),
                None => policy::refuses(loaded.as_deref(), caller, act, self.common.now()),
            },
        }
    }

    /// Why `caller` is nobody any more of whom the policies of `loaded` can be asked, or nothing.
    fn lapsed(&self, loaded: Option<&Loaded>, caller: &Caller) -> Option<Denial> {
        let has_feed = self.common.provider().preset().has_feed;
        let fallen = match standing::fallen(&self.common, caller) {
            // Without a feed a session counts as over when it is to be renewed, and what a request has begun goes on.
            Some(Denial::SessionExpired) if !has_feed => {
                standing::check(&self.common, &caller.credential).err()
            }
            // How fresh the view has to be was asked for the policies.
            Some(Denial::FeedStale) => None,
            fallen => fallen,
        };
        fallen.or_else(|| policy::outdated_by(loaded, caller))
    }

    /// The gate's answer to `caller`, or to nobody, who may not do `act`; nothing where they may. A refusal is
    /// counted as one.
    ///
    /// # Errors
    /// As [`Self::permits`].
    pub fn act_refusal(
        &self,
        caller: Option<&Caller>,
        act: Act<'_>,
    ) -> Result<Option<Response>, QuestionError> {
        let judged = match caller {
            None => Denial::CredentialMissing.into(),
            Some(caller) => self.judged_act(caller, act)?,
        };
        Ok(judged.denial.map(|denial| {
            let requirement = Requirement::Actor(Need::of(Kinds::ANY));
            let answer = self.problem(refused(caller, denial, judged.by), &requirement);
            let decision = Decision::Respond(answer.clone());
            self.common.sight().decided(&decision);
            answer
        }))
    }

    /// Why `caller` may not do with its route what `need` names, or nothing.
    pub(crate) fn refuses_actions(&self, caller: &Caller, need: &Need) -> Option<Denial> {
        if need.actions.is_empty() {
            return None;
        }
        match self.common.policy().about(caller) {
            Err(denial) => Some(denial),
            Ok(loaded) => policy::outdated_by(loaded.as_deref(), caller).or_else(|| {
                let asked = (&need.actions[..], need.route.as_deref());
                policy::refuses_route(loaded.as_deref(), caller, asked, self.common.now()).denial
            }),
        }
    }

    /// From now on the policies of `file` decide about actors that a test puts there; with nothing, those that are
    /// at hand do.
    ///
    /// # Errors
    /// Where the file is none.
    pub fn test_policies(&self, file: Option<&Path>) -> Result<(), SettingsError> {
        let loaded = file.map(policy::load).transpose()?;
        self.common.policy().stand_in(loaded.map(Arc::new));
        Ok(())
    }
}
