//! Commands of a service: argument lists, never lines, so that no word can become two.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::document::{Place, Placed};
use super::words::{AbsolutePath, Argument, Because, Text};

/// Commands in order: an argument list, a list of such lists, or a table `{ exec, unconfined, because }` in place of
/// any of these lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands(pub Vec<Command>);

/// One command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments; the program is absolute and without prefix characters.
    pub argv: Vec<Argument>,
    /// Its failure is not the service's: written as `-` before the program.
    pub may_fail: bool,
    /// Why none of the confinement applies to it, if so: `+` in the unit.
    pub unconfined: Option<Because>,
    /// Where it is stated.
    pub place: Place,
}

impl Command {
    /// The program's path.
    pub fn program(&self) -> &str {
        self.argv.first().map_or("", Argument::as_str)
    }
}

/// Characters before a program that change what systemd does (systemd.service(5), "Special executable prefixes").
const PREFIXES: [char; 5] = ['+', '!', '@', ':', '|'];

/// The table that stands for a command.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct CommandTable {
    /// The program and its arguments.
    exec: Vec<Placed<Argument>>,
    /// None of the confinement applies to it.
    #[serde(default)]
    unconfined: bool,
    /// Why.
    because: Option<Because>,
}

/// What may stand where a command or a word of one may stand.
enum Item {
    Word(Argument),
    Argv(Vec<Placed<Argument>>),
    Table(CommandTable),
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an argument or an array of arguments")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Item, E> {
        Argument::read(text).map(Item::Word).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Item, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Item::Argv)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
        CommandTable::deserialize(MapAccessDeserializer::new(map)).map(Item::Table)
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct CommandsVisitor;

impl<'de> Visitor<'de> for CommandsVisitor {
    type Value = Commands;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array: the program and its arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Commands, A::Error> {
        let mut words = Vec::new();
        let mut commands = Vec::new();
        while let Some(Placed { value, place }) = seq.next_element::<Placed<Item>>()? {
            match value {
                Item::Word(word) => words.push(Placed { value: word, place }),
                Item::Argv(argv) => commands.push(command(argv, None, &place)?),
                Item::Table(table) => commands.push(from_table(table, &place)?),
            }
            if !words.is_empty() && !commands.is_empty() {
                return Err(A::Error::custom("arguments and whole commands are mixed in one array"));
            }
        }
        if let Some(place) = words.first().map(|word| word.place.clone()) {
            commands.push(command(words, None, &place)?);
        }
        Ok(Commands(commands))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Commands, A::Error> {
        let table = CommandTable::deserialize(MapAccessDeserializer::new(map))?;
        match table.exec.first().map(|word| word.place.clone()) {
            Some(place) => Ok(Commands(vec![from_table(table, &place)?])),
            None => Err(A::Error::custom(EMPTY)),
        }
    }
}

const EMPTY: &str = "the command is empty: a program is needed";

fn from_table<E: Error>(table: CommandTable, place: &Place) -> Result<Command, E> {
    let unconfined = match (table.unconfined, table.because) {
        (true, Some(because)) => Some(because),
        (true, None) => return Err(E::custom("an unconfined command needs `because`")),
        (false, Some(_)) => return Err(E::custom("`because` goes with `unconfined = true` only")),
        (false, None) => None,
    };
    command(table.exec, unconfined, place)
}

fn command<E: Error>(
    words: Vec<Placed<Argument>>,
    unconfined: Option<Because>,
    place: &Place,
) -> Result<Command, E> {
    let mut argv: Vec<Argument> = words.into_iter().map(|word| word.value).collect();
    let Some(first) = argv.first_mut() else { return Err(E::custom(EMPTY)) };
    let stripped = first.as_str().strip_prefix('-').map(str::to_owned);
    let may_fail = stripped.is_some();
    let program = stripped.unwrap_or_else(|| first.as_str().to_owned());
    if let Some(prefix) = program.chars().next().filter(|c| PREFIXES.contains(c)) {
        let advice =
            "a command that must not be confined is `{ exec = […], unconfined = true, because = \"…\" }`";
        return Err(E::custom(format_args!(
            "the prefix `{prefix}` is not allowed before a program: {advice}"
        )));
    }
    AbsolutePath::read(&program).map_err(E::custom)?;
    *first = Argument::read(&program).map_err(E::custom)?;
    Ok(Command { argv, may_fail, unconfined, place: place.clone() })
}

impl<'de> Deserialize<'de> for Commands {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CommandsVisitor)
    }
}

impl JsonSchema for Commands {
    fn schema_name() -> Cow<'static, str> {
        "Commands".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<CommandTable>();
        let argument = generator.subschema_for::<Argument>();
        let argv = json_schema!({
            "type": "array",
            "prefixItems": [{ "type": "string", "pattern": r"^-?/[^\u0000-\u0020\u007f-\u009f]+$" }],
            "items": argument,
            "minItems": 1,
        });
        let list = json_schema!({ "type": "array", "items": { "anyOf": [argv, table] } });
        json_schema!({ "description": "a command or several", "anyOf": [argv, list, table] })
    }
}
