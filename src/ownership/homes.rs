//! Homes and what the unit hides: the home of its user that it must see, and the homes of others that it must not.

use std::path::Path;

use super::way::End;
use super::{Audit, at};
use crate::catalogue;
use crate::finding::Finding;

impl Audit<'_> {
    /// A home of the service's own user that the unit hides, and homes of others that lie where it does not hide them.
    pub(super) fn homes(&mut self) {
        let Some(name) = self.subject.user() else { return self.links() };
        let user = self.subject.manifest.users.iter().find(|(known, _)| known.as_str() == name);
        if let Some(account) = self.accounts.user(name)
            && let Some(by) = catalogue::hides(self.subject.posture, Path::new(&account.home))
        {
            let text = format!(
                "the home of `{name}`, `{}`, is hidden by {}=: what looks there fails; give the user a home that the \
                 service sees",
                account.home, by.name
            );
            // Another home than the declared one is what is wrong then.
            if let Some(known) = self.told.about("account.home", name) {
                known.text = format!("{}; {}= hides it", known.text, by.name);
                return self.links();
            }
            self.told.add(Finding {
                place: user.map(|(_, user)| at(&user.place)),
                directive: Some(by),
                ..Finding::new("home.hidden", text).of(name)
            });
        }
        self.links();
    }

    /// Homes behind links: what hides the folder of homes hides the link alone.
    fn links(&mut self) {
        for account in &self.accounts.users {
            let home = Path::new(&account.home);
            let Some(by) = catalogue::hides(self.subject.posture, home) else { continue };
            // What cannot be looked at is somebody's home; it is not the manifest's.
            let Ok(way) = self.files.way(home) else { continue };
            let End::Found(real, _) = way.end else { continue };
            if real == home || catalogue::hides(self.subject.posture, &real).is_some() {
                continue;
            }
            let text = format!(
                "the home of `{}` is `{}`, which {}= does not hide: `{}` is a link",
                account.name,
                real.display(),
                by.name,
                home.display()
            );
            let finding = Finding { directive: Some(by), ..Finding::new("home.elsewhere", text) };
            self.told.add(finding.of(account.home.clone()));
        }
    }
}
