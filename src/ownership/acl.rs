//! POSIX access control lists as the kernel stores them (`include/uapi/linux/posix_acl_xattr.h`, acl(5)).

/// What a list grants beyond owner, group and others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Acl {
    /// What the owning group may, where the list has a mask: stat(2) shows the mask in its place.
    pub(super) group: Option<u8>,
    /// Named users and groups with what they may, the mask applied.
    pub(super) grants: Vec<Grant>,
    /// Whether a directory hands a list of its own to what is made in it.
    pub(super) is_inherited: bool,
}

/// What one name of a list may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    /// Who.
    pub(super) who: Who,
    /// `rwx` as three bits.
    pub(super) bits: u8,
}

/// A named user or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// A user's number.
    User(u32),
    /// A group's number.
    Group(u32),
}

const VERSION: u32 = 2;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;

impl Acl {
    /// A list from the attributes `system.posix_acl_access` and `system.posix_acl_default`; nothing where they grant
    /// nothing beyond a mode, or are not in the one version that there is.
    pub(super) fn read(access: Option<&[u8]>, default: Option<&[u8]>) -> Option<Self> {
        let entries = access.and_then(entries).unwrap_or_default();
        let mask = entries.iter().find(|(tag, ..)| *tag == MASK).map_or(0o7, |(_, bits, _)| *bits);
        let named = |tag: u16, id: u32| match tag {
            USER => Some(Who::User(id)),
            GROUP => Some(Who::Group(id)),
            _ => None,
        };
        let grants: Vec<Grant> = entries
            .iter()
            .filter_map(|(tag, bits, id)| Some(Grant { who: named(*tag, *id)?, bits: bits & mask }))
            .collect();
        let has_mask = entries.iter().any(|(tag, ..)| *tag == MASK);
        let own = entries.iter().find(|(tag, ..)| *tag == GROUP_OBJ).map(|(_, bits, _)| bits & mask);
        let is_inherited = default.and_then(self::entries).is_some_and(|entries| !entries.is_empty());
        let is_extended = has_mask || !grants.is_empty() || is_inherited;
        is_extended.then(|| Self { group: own.filter(|_| has_mask), grants, is_inherited })
    }
}

/// Tag, permissions and number of each entry.
fn entries(value: &[u8]) -> Option<Vec<(u16, u8, u32)>> {
    let (version, rest) = value.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*version) != VERSION {
        return None;
    }
    let (entries, []) = rest.as_chunks::<8>() else { return None };
    let entry = |&[t0, t1, p0, _, i0, i1, i2, i3]: &[u8; 8]| {
        (u16::from_le_bytes([t0, t1]), p0 & 0o7, u32::from_le_bytes([i0, i1, i2, i3]))
    };
    Some(entries.iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::{Acl, Grant, Who};

    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (tag, bits, id) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(bits.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    const NOBODY: u32 = u32::MAX;

    #[test]
    fn the_mask_holds_for_named_users_and_the_group() {
        let bytes = list(&[
            (1, 6, NOBODY),
            (2, 6, 1000),
            (4, 0, NOBODY),
            (8, 7, 50),
            (16, 4, NOBODY),
            (32, 0, NOBODY),
        ]);
        let grants = vec![Grant { who: Who::User(1000), bits: 4 }, Grant { who: Who::Group(50), bits: 4 }];
        let expected = Acl { group: Some(0), grants, is_inherited: false };
        assert_eq!(Acl::read(Some(&bytes), None), Some(expected));
    }

    #[test]
    fn a_list_that_says_what_the_mode_says_is_none() {
        let bytes = list(&[(1, 6, NOBODY), (4, 4, NOBODY), (32, 0, NOBODY)]);
        assert_eq!(Acl::read(Some(&bytes), None), None);
        assert_eq!(Acl::read(None, None), None);
        let expected = Acl { group: None, grants: Vec::new(), is_inherited: true };
        assert_eq!(Acl::read(None, Some(&bytes)), Some(expected));
    }

    #[test]
    fn hostile_values_are_no_lists() {
        for bytes in [&[][..], &[2, 0, 0], &[3, 0, 0, 0], &[2, 0, 0, 0, 1]] {
            assert_eq!(Acl::read(Some(bytes), None), None, "{bytes:?}");
        }
    }
}
