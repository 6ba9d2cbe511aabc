//! Executables: where their sections lie, in ELF, PE and Mach-O. Only what is needed to find build
//! information; nothing else of the formats is checked.

use crate::spool::ReadAt;

/// Sections or load commands of one file that are looked at.
const MAX_SECTIONS: usize = 4096;

/// A range of the file and where it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name; empty for a segment.
    pub name: String,
    /// Where it is loaded.
    pub address: u64,
    /// Where it is in the file.
    pub offset: u64,
    /// Bytes in the file.
    pub size: u64,
    /// Whether programs write to it: then it may begin with build information of Go.
    pub data: bool,
}

/// What an executable is made of.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Named sections.
    pub sections: Vec<Section>,
    /// What is loaded, by address.
    pub segments: Vec<Section>,
}

impl Layout {
    /// The section of a name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Up to `count` bytes that are loaded at `address`.
    pub fn load(
        &self,
        file: &(impl ReadAt + ?Sized),
        address: u64,
        count: usize,
    ) -> Option<Vec<u8>> {
        let segment = self.segments.iter().find(|segment| {
            address >= segment.address && address - segment.address < segment.size
        })?;
        let inside = address - segment.address;
        let count = count.min(usize::try_from(segment.size - inside).unwrap_or(usize::MAX));
        file.bytes(segment.offset.checked_add(inside)?, count).ok()
    }
}

/// Whether a file may be an executable, by its first bytes.
pub fn is_executable(head: &[u8]) -> bool {
    match head {
        // Relocatable objects are not loaded and name nothing.
        [0x7f, b'E', b'L', b'F', _, order, ..] if head.len() >= 18 => {
            let kind = if *order == 2 {
                [head[17], head[16]]
            } else {
                [head[16], head[17]]
            };
            matches!(kind, [2 | 3, 0])
        }
        [b'M', b'Z', ..] => head.len() >= 64,
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => true,
        _ => false,
    }
}

/// Reads the layout, if it is an executable of a known format.
pub fn layout(file: &(impl ReadAt + ?Sized)) -> Option<Layout> {
    let head = file.bytes(0, 64).ok()?;
    match head.as_slice() {
        [0x7f, b'E', b'L', b'F', ..] => elf(file, &head),
        [b'M', b'Z', ..] => pe(file, &head),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] => mach(file, &head, true),
        [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => mach(file, &head, false),
        _ => None,
    }
}

/// Numbers in the order of the file.
#[derive(Clone, Copy)]
pub(super) struct Order {
    pub(super) big: bool,
}

impl Order {
    pub(super) fn number(self, bytes: &[u8], at: usize, width: usize) -> Option<u64> {
        let raw = bytes.get(at..at.checked_add(width)?)?;
        let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.big {
            raw.iter().fold(0, push)
        } else {
            raw.iter().rev().fold(0, push)
        })
    }
}

fn name(raw: &[u8]) -> String {
    let end = memchr::memchr(0, raw).unwrap_or(raw.len());
    String::from_utf8_lossy(&raw[..end]).into_owned()
}

fn elf(file: &(impl ReadAt + ?Sized), head: &[u8]) -> Option<Layout> {
    // The shorter of the two headers; the longer is checked field by field.
    if head.len() < 52 {
        return None;
    }
    let order = Order { big: head[5] == 2 };
    let wide = head[4] == 2;
    let word = if wide { 8 } else { 4 };
    let at = |narrow: usize, broad: usize| if wide { broad } else { narrow };
    let read = |bytes: &[u8], offset: usize, width: usize| order.number(bytes, offset, width);
    let segments_at = read(head, at(28, 32), word)?;
    let sections_at = read(head, at(32, 40), word)?;
    let segment_size = read(head, at(42, 54), 2)? as usize;
    let segment_count = read(head, at(44, 56), 2)? as usize;
    let section_size = read(head, at(46, 58), 2)? as usize;
    let section_count = read(head, at(48, 60), 2)? as usize;
    let names_index = read(head, at(50, 62), 2)? as usize;
    let mut layout = Layout::default();
    if segment_size >= at(32, 56) {
        let count = segment_count.min(MAX_SECTIONS);
        let table = file.bytes(segments_at, count * segment_size).ok()?;
        for row in table.chunks_exact(segment_size) {
            let flags = read(row, at(24, 4), 4)?;
            if read(row, 0, 4)? == 1 {
                layout.segments.push(Section {
                    name: String::new(),
                    address: read(row, at(8, 16), word)?,
                    offset: read(row, at(4, 8), word)?,
                    size: read(row, at(16, 32), word)?,
                    data: flags & 3 == 2,
                });
            }
        }
    }
    if section_size >= at(40, 64) {
        let count = section_count.min(MAX_SECTIONS);
        let table = file.bytes(sections_at, count * section_size).ok()?;
        let rows: Vec<&[u8]> = table.chunks_exact(section_size).collect();
        let names = match rows.get(names_index) {
            Some(row) => {
                let size = read(row, at(20, 32), word)?.min(1 << 20) as usize;
                file.bytes(read(row, at(16, 24), word)?, size).ok()?
            }
            None => Vec::new(),
        };
        for row in rows {
            // Sections without bytes in the file.
            if read(row, 4, 4)? == 8 {
                continue;
            }
            let named = read(row, 0, 4)? as usize;
            layout.sections.push(Section {
                name: name(names.get(named..).unwrap_or_default()),
                address: read(row, at(12, 16), word)?,
                offset: read(row, at(16, 24), word)?,
                size: read(row, at(20, 32), word)?,
                data: false,
            });
        }
    }
    Some(layout)
}

fn pe(file: &(impl ReadAt + ?Sized), head: &[u8]) -> Option<Layout> {
    const INITIALISED_READ_WRITE: u64 = 0xc000_0040;
    const ALIGNMENT: u64 = 0x0060_0000;
    let order = Order { big: false };
    let start = order.number(head, 60, 4)?;
    let coff = file.bytes(start, 24).ok()?;
    if coff.get(..4)? != b"PE\0\0" {
        return None;
    }
    let count = (order.number(&coff, 6, 2)? as usize).min(MAX_SECTIONS);
    let optional_size = order.number(&coff, 20, 2)?;
    let optional = file.bytes(start + 24, optional_size as usize).ok()?;
    let base = match order.number(&optional, 0, 2) {
        Some(0x20b) => order.number(&optional, 24, 8)?,
        Some(0x10b) => order.number(&optional, 28, 4)?,
        _ => 0,
    };
    let table = file.bytes(start + 24 + optional_size, count * 40).ok()?;
    let mut layout = Layout::default();
    for row in table.chunks_exact(40) {
        let flags = order.number(row, 36, 4)?;
        let section = Section {
            name: name(&row[..8]),
            address: base.wrapping_add(order.number(row, 12, 4)?),
            offset: order.number(row, 20, 4)?,
            size: order.number(row, 16, 4)?,
            data: flags & !ALIGNMENT == INITIALISED_READ_WRITE,
        };
        layout.segments.push(section.clone());
        layout.sections.push(section);
    }
    Some(layout)
}

fn mach(file: &(impl ReadAt + ?Sized), head: &[u8], big: bool) -> Option<Layout> {
    let order = Order { big };
    let wide = order.number(head, 0, 4)? == 0xfeed_facf;
    let word = if wide { 8 } else { 4 };
    let count = (order.number(head, 16, 4)? as usize).min(MAX_SECTIONS);
    let size = order.number(head, 20, 4)?.min(1 << 20) as usize;
    let commands = file.bytes(if wide { 32 } else { 28 }, size).ok()?;
    let mut rest = commands.as_slice();
    let mut layout = Layout::default();
    for _ in 0..count {
        let (Some(kind), Some(length)) = (order.number(rest, 0, 4), order.number(rest, 4, 4))
        else {
            break;
        };
        let length = length as usize;
        if length < 8 || length > rest.len() {
            break;
        }
        let (command, after) = rest.split_at(length);
        rest = after;
        if kind == if wide { 0x19 } else { 1 } {
            mach_segment(&mut layout, command, order, word);
        }
    }
    Some(layout)
}

fn mach_segment(layout: &mut Layout, command: &[u8], order: Order, word: usize) -> Option<()> {
    let field = |index: usize| order.number(command, 24 + index * word, word);
    let after = 24 + 4 * word;
    let (most, first) = (
        order.number(command, after, 4)?,
        order.number(command, after + 4, 4)?,
    );
    let segment = Section {
        name: name(command.get(8..24)?),
        address: field(0)?,
        offset: field(2)?,
        size: field(3)?,
        data: most == 3 && first == 3,
    };
    if segment.name != "__PAGEZERO" {
        layout.segments.push(segment);
    }
    let row_size = if word == 8 { 80 } else { 68 };
    for row in command
        .get(after + 16..)?
        .chunks_exact(row_size)
        .take(MAX_SECTIONS)
    {
        layout.sections.push(Section {
            name: name(&row[..16]),
            address: order.number(row, 32, word)?,
            size: order.number(row, 32 + word, word)?,
            offset: order.number(row, 32 + 2 * word, 4)?,
            data: false,
        });
    }
    Some(())
}
