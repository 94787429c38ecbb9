import CLibrary
import TrackerCore

/// The variables of one request, in the order in which the web server sent them (RFC 3875, section 4.1).
///
/// They are stored as raw bytes and decoded on access: as UTF-8 if valid, else as Latin-1. A name may occur more than
/// once (some servers send a repeated header as a repeated parameter).
public struct CGIVariables: Sendable, RandomAccessCollection {
    /// One variable: the value's bytes follow the name's.
    struct Entry: Sendable {
        var nameStart: Int
        var valueStart: Int
        var valueEnd: Int
    }

    private(set) var bytes: [UInt8]
    private(set) var entries: [Entry]

    /// Creates an empty collection.
    public init() {
        bytes = []
        entries = []
    }

    /// Creates a collection of variables.
    ///
    /// - Parameter pairs: names and values, in order.
    public init(_ pairs: some Sequence<(name: String, value: String)>) {
        self.init()
        for pair in pairs { append(name: pair.name.utf8, value: pair.value.utf8) }
    }

    /// The ranges must lie inside `bytes`; `FastCGINameValues` checks input from the wire.
    init(bytes: [UInt8], entries: [Entry]) {
        self.bytes = bytes
        self.entries = entries
    }

    /// Appends a variable from its raw bytes.
    public mutating func append(name: some Collection<UInt8>, value: some Collection<UInt8>) {
        let nameStart = bytes.count
        bytes.append(contentsOf: name)
        let valueStart = bytes.count
        bytes.append(contentsOf: value)
        entries.append(Entry(nameStart: nameStart, valueStart: valueStart, valueEnd: bytes.count))
    }

    /// The position of the first variable.
    public var startIndex: Int { 0 }
    /// The position past the last variable.
    public var endIndex: Int { entries.count }

    /// The variable at a position.
    public subscript(position: Int) -> (name: String, value: String) {
        (name(at: position), value(at: position))
    }

    /// The value of a variable; nil if it was not sent. If it was sent more than once, the last one counts. Names
    /// are case-sensitive.
    public subscript(name: String) -> String? {
        var name = name
        return name.withUTF8 { name in lastIndex { Self.isEqual($0, name) } }.map { value(at: $0) }
    }

    func name(at index: Int) -> String {
        text(entries[index].nameStart..<entries[index].valueStart)
    }

    func value(at index: Int) -> String {
        text(entries[index].valueStart..<entries[index].valueEnd)
    }

    private func text(_ range: Range<Int>) -> String {
        bytes.withUnsafeBufferPointer { TextDecoding.string(UnsafeBufferPointer(rebasing: $0[range])) }
    }

    func nameBytes(at index: Int) -> ArraySlice<UInt8> {
        bytes[entries[index].nameStart..<entries[index].valueStart]
    }

    func valueBytes(at index: Int) -> ArraySlice<UInt8> {
        bytes[entries[index].valueStart..<entries[index].valueEnd]
    }

    /// Returns the last value of a variable.
    func text(_ name: StaticString) -> String? {
        lastIndex(of: name).map { value(at: $0) }
    }

    /// Returns the last value of a variable; nil also if it is empty, as some servers send absent values.
    func nonEmptyText(_ name: StaticString) -> String? {
        guard let index = lastIndex(of: name) else { return nil }
        let entry = entries[index]
        return entry.valueEnd > entry.valueStart ? value(at: index) : nil
    }

    func lastIndex(of name: StaticString) -> Int? {
        name.withUTF8Buffer { name in lastIndex { Self.isEqual($0, name) } }
    }

    private func lastIndex(where matches: (UnsafeBufferPointer<UInt8>) -> Bool) -> Int? {
        bytes.withUnsafeBufferPointer { bytes in
            entries.lastIndex { matches(UnsafeBufferPointer(rebasing: bytes[$0.nameStart..<$0.valueStart])) }
        }
    }

    /// Calls `body` with the bytes of each name and value, which are valid during the call only.
    func forEachBytes(_ body: (_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Void) {
        bytes.withUnsafeBufferPointer { bytes in
            for entry in entries {
                body(
                    UnsafeBufferPointer(rebasing: bytes[entry.nameStart..<entry.valueStart]),
                    UnsafeBufferPointer(rebasing: bytes[entry.valueStart..<entry.valueEnd]))
            }
        }
    }

    /// Returns whether the bytes are this name.
    static func isEqual(_ bytes: UnsafeBufferPointer<UInt8>, _ name: StaticString) -> Bool {
        name.withUTF8Buffer { isEqual(bytes, $0) }
    }

    private static func isEqual(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else { return true }
        return memcmp(leftBase, rightBase, left.count) == 0
    }
}
