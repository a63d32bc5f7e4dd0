//! The waist: the effective value of every directive of one unit, and where each came from. Readers make one, the
//! policy makes one; renderer, score and drift read it. Nothing here reads or prints.

use std::cell::RefCell;
use std::sync::Arc;

use crate::catalogue::{self, Directive, Operation, Stage, When};
use crate::context::Context;
use crate::manifest::Place;
use crate::need::Need;
use crate::release::covers;
use crate::value::{Remark, Value};

/// The directives of one unit with their effective values.
#[derive(Clone, Debug)]
pub struct Posture {
    /// The unit's name, with its instance.
    pub unit: Arc<str>,
    /// The release, mode and manager that the values are of.
    pub context: Context,
    /// What a unit that sets nothing has of each directive; shared, for most units set little.
    unset: Arc<[Setting]>,
    /// For each directive, by its place, that of its setting in `own`, from 1; 0 for what nothing set.
    places: Box<[u16]>,
    /// What this unit has of its own.
    own: Vec<Setting>,
}

/// The value of one directive.
#[derive(Clone, Debug)]
pub struct Setting {
    /// What it comes to.
    pub value: Value,
    /// Where that comes from.
    pub origin: Origin,
    /// Of system calls, whose sets a value no longer has, the assignments as they were written, resets included.
    pub lines: Vec<String>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// Nothing set it.
    Default,
    /// A line of a unit file: the last that changed it.
    Line {
        /// The file.
        path: Arc<str>,
        /// Its line, from 1.
        line: u32,
    },
    /// The manager published it.
    Bus,
    /// The unit does not say it, and the manager has this default of its own.
    Manager {
        /// The manager's property, as its configuration calls it too: `DefaultTasksMax`.
        default: Arc<str>,
    },
    /// The manager does not publish it: its release does not have it.
    NotKnown,
    /// Another directive brings it along.
    Implied(&'static Directive),
    /// A manifest asks for it.
    Policy(Vec<Reason>),
}

/// Why a policy has the value that it has.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// The strictness of the manifest hardens it.
    Strictness,
    /// The manifest itself says the value.
    Stated(Place),
    /// A denial closes it.
    Denied {
        /// The evidence.
        because: Arc<str>,
        /// Where it stands.
        place: Place,
    },
    /// A need opens it.
    Needed {
        /// The need.
        need: Need,
        /// Its reason.
        because: Arc<str>,
        /// Where it stands.
        place: Place,
    },
    /// A need that the manifest neither states nor denies may want it open.
    Unknown(Need),
    /// An override says it.
    Overridden {
        /// Its reason.
        because: Arc<str>,
        /// Where it stands.
        place: Place,
    },
    /// In this release it would force another directive upon the service that a need opens.
    Forces {
        /// The other one.
        other: &'static Directive,
        /// The need.
        need: Need,
    },
}

impl Posture {
    /// A unit that sets nothing.
    pub fn unset(unit: &str, context: Context) -> Self {
        let unset = unset(context);
        let places = vec![0; unset.len()].into_boxed_slice();
        Self { unit: Arc::from(unit), context, unset, places, own: Vec::new() }
    }

    /// The same defaults for another unit of the same context.
    pub fn renamed(&self, unit: &str) -> Self {
        Self { unit: Arc::from(unit), ..self.clone() }
    }

    /// What is known of one directive.
    pub fn get(&self, directive: &Directive) -> &Setting {
        self.at(directive.index())
    }

    /// The same by the directive's place among all.
    #[inline]
    pub(crate) fn at(&self, place: usize) -> &Setting {
        match self.places[place] {
            0 => &self.unset[place],
            own => &self.own[usize::from(own) - 1],
        }
    }

    fn own(&mut self, place: usize) -> &mut Setting {
        if self.places[place] == 0 {
            return self.add(place, self.unset[place].clone());
        }
        &mut self.own[usize::from(self.places[place]) - 1]
    }

    fn add(&mut self, place: usize, setting: Setting) -> &mut Setting {
        let at = self.own.len();
        self.own.push(setting);
        // There are no more settings than directives.
        self.places[place] = u16::try_from(at + 1).unwrap_or(u16::MAX);
        &mut self.own[at]
    }

    /// Every directive with its setting, in the catalogue's order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Directive, &Setting)> {
        catalogue::all().iter().copied().zip((0..self.unset.len()).map(|place| self.at(place)))
    }

    /// Applies one assignment, as the release reads it.
    pub fn assign(&mut self, directive: &'static Directive, text: &str, origin: Origin) -> Vec<Remark> {
        self.assign_at(directive.index(), text, origin)
    }

    /// The same for the directive at that place among all.
    pub(crate) fn assign_at(&mut self, place: usize, text: &str, origin: Origin) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let context = self.context;
        let directive = catalogue::all()[place];
        let unset = Arc::clone(&self.unset);
        let setting = self.own(place);
        let before = std::mem::replace(&mut setting.value, Value::Unset);
        let old = before.clone();
        let reset = text.is_empty();
        setting.value = directive.kind.assign(before, text, &context, &mut remarks);
        if reset && matches!(setting.value, Value::Unset) {
            setting.value = unset[place].value.clone();
        }
        // What systemd ignores is not where the value comes from.
        let ignored = remarks.iter().any(|remark| matches!(remark, Remark::Ignored(_)));
        if !ignored || setting.value != old {
            setting.origin = origin;
            if matches!(setting.value, Value::Calls(_)) {
                setting.lines.push(text.to_owned());
            }
        }
        if let Some(twin) = directive.shares {
            self.take_shared(twin, text);
        }
        remarks
    }

    /// Entries that a reset, or a new entry of the same name, takes out of the other spelling's list.
    fn take_shared(&mut self, twin: &Directive, text: &str) {
        let setting = self.own(twin.index());
        if let Value::Words(entries) = &mut setting.value {
            if text.is_empty() {
                entries.clear();
            } else if crate::value::replaces_by_name(&twin.kind) {
                let name = crate::value::entry_name(text);
                entries.retain(|entry| crate::value::entry_name(entry) != name);
            }
        }
    }

    /// Takes a value as it is, from the bus or from a policy.
    pub fn put(&mut self, directive: &Directive, value: Value, origin: Origin) {
        self.put_at(directive.index(), value, origin);
    }

    fn put_at(&mut self, place: usize, value: Value, origin: Origin) {
        if self.places[place] == 0 {
            self.add(place, Setting { value, origin, lines: Vec::new() });
        } else {
            let setting = self.own(place);
            setting.value = value;
            setting.origin = origin;
        }
    }

    /// Says where a value comes from, which stays as it is.
    pub fn attribute(&mut self, directive: &Directive, origin: Origin) {
        self.own(directive.index()).origin = origin;
    }

    /// Marks a directive as one that the manager does not publish; its value stays what the tool assumes.
    pub fn not_known(&mut self, directive: &Directive) {
        self.own(directive.index()).origin = Origin::NotKnown;
    }

    /// Applies what directives bring along at `stage`, until nothing changes any more.
    pub fn settle(&mut self, stage: Stage) {
        // Two rounds reach the end: what is implied by an implied value is one step away (PrivateDevices= to
        // DevicePolicy= to DeviceAllow=), and no row implies itself back.
        for _ in 0..2 {
            let mut changes = false;
            for implication in catalogue::implications() {
                changes |= implication.implied.stage == stage && self.imply(implication);
            }
            if !changes {
                return;
            }
        }
    }

    /// Whether that changes anything.
    fn imply(&mut self, implication: &catalogue::Implication) -> bool {
        let catalogue::Implication { by, by_place, implied, on_place } = *implication;
        let context = self.context;
        // Few hold: that is asked first.
        if !self.holds(by, by_place, implied.when)
            || !by.is_known_to(context.release)
            || !covers(implied.releases, context.release)
        {
            return false;
        }
        let (target, place) = (implied.on, on_place);
        let setting = self.at(place);
        let mut ignored = Vec::new();
        let from = |text: &str, before: Value, ignored: &mut Vec<Remark>| {
            target.kind.assign(before, text, &context, ignored)
        };
        let value = match implied.operation {
            Operation::Force(text) | Operation::Assign(text) => {
                from(text, setting.value.clone(), &mut ignored)
            }
            Operation::Replace(old, new) => {
                if setting.value != from(old, self.unset[place].value.clone(), &mut ignored) {
                    return false;
                }
                from(new, setting.value.clone(), &mut ignored)
            }
            Operation::Copy(source) => {
                if setting.value != Value::Unset {
                    return false;
                }
                self.get(source).value.clone()
            }
            Operation::NameAfterUnit => {
                if setting.value != Value::Unset {
                    return false;
                }
                Value::Text(user_after(&self.unit))
            }
        };
        let changes = value != setting.value;
        if changes {
            self.put_at(place, value, Origin::Implied(by));
        }
        changes
    }

    /// Whether it holds of the directive; never of one that the release does not know.
    pub(crate) fn meets(&self, directive: &Directive, when: When) -> bool {
        directive.is_known_to(self.context.release) && self.holds(directive, directive.index(), when)
    }

    fn holds(&self, directive: &Directive, place: usize, when: When) -> bool {
        let value = &self.at(place).value;
        match when {
            When::On => value.is_on(),
            When::OnWithDeviceRules => value.is_on() && catalogue::device_rules(self),
            When::OnWithUser => value.is_on() && catalogue::runs_as_user(self),
            When::Unset => *value == Value::Unset,
            When::Is(word) => directive.kind.word(value) == word,
        }
    }

    /// Whether a directive is set to anything but `no`, nothing, or the empty list.
    pub fn is_on(&self, directive: &Directive) -> bool {
        self.get(directive).value.is_on()
    }
}

impl Value {
    /// Whether it is anything but `no`, nothing, or the empty list.
    pub(crate) fn is_on(&self) -> bool {
        match self {
            Value::Unset => false,
            Value::Switch(on) => *on,
            Value::Level(place) => *place > 0,
            Value::Mask(bits) => *bits != 0,
            Value::Names(filter) => filter.allows || !filter.names.is_empty(),
            Value::Calls(filter) => !filter.is_unfiltered(),
            Value::Words(words) => !words.is_empty(),
            Value::Networks(networks) => !networks.is_empty(),
            Value::Mode(bits) => *bits != 0,
            Value::Amount(number) => *number != 0,
            Value::Pair(..) | Value::Share(_) => true,
            Value::Text(text) => !text.is_empty(),
        }
    }
}

/// What a unit that sets nothing has of each directive.
fn unset(context: Context) -> Arc<[Setting]> {
    thread_local! {
        /// A run asks for a few contexts over and over.
        static KNOWN: RefCell<Vec<(Context, Arc<[Setting]>)>> = const { RefCell::new(Vec::new()) };
    }
    let known = KNOWN.with_borrow(|known| {
        let found = known.iter().find(|(other, _)| *other == context);
        found.map(|(_, unset)| Arc::clone(unset))
    });
    known.unwrap_or_else(|| {
        let setting = |directive: &&'static Directive| Setting {
            value: default_value(directive, &context),
            origin: Origin::Default,
            lines: Vec::new(),
        };
        let unset: Arc<[Setting]> = catalogue::all().iter().map(setting).collect();
        KNOWN.with_borrow_mut(|known| known.push((context, Arc::clone(&unset))));
        unset
    })
}

/// The value of an unset directive.
pub(crate) fn default_value(directive: &Directive, context: &Context) -> Value {
    let text = directive.default_text(context);
    let mut ignored = Vec::new();
    match (&directive.kind, text) {
        (catalogue::Kind::Mask(grammar), "") => crate::value::unset_mask(*grammar, context),
        (
            catalogue::Kind::Switch(_)
            | catalogue::Kind::Level(_)
            | catalogue::Kind::Text(_)
            | catalogue::Kind::Amount(_),
            "",
        ) => Value::Unset,
        (kind, text) => kind.assign(Value::Unset, text, context, &mut ignored),
    }
}

/// The user of a dynamic service without one: the unit's name where that is a strict user name (systemd 252,
/// `user_from_unit_name`); any other text where it is not, for the manager makes one up from a hash.
fn user_after(unit: &str) -> String {
    let stem = unit.rsplit_once('.').map_or(unit, |(stem, _)| stem);
    let name = stem.split('@').next().unwrap_or(stem);
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if first && rest && name.len() <= 31 { name.to_owned() } else { "_du".to_owned() }
}

impl Remark {
    /// Whether the answer to an odd value was to refuse the unit.
    pub fn refuses(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}
