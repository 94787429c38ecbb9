import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TrackerCore

/// The spool directory of one test.
final class TemporaryDirectory: Sendable {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder("spool") }

    var path: String { folder.path }

    /// The spool's path; not created yet.
    var spool: String { path + "/spool" }

    /// The names in the spool, sorted.
    func names() throws -> [String] { folder.names(in: "spool") }

    /// The files below it that this process has open (proc(5)); empty where the system does not tell.
    var openFiles: [String] {
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return numbers.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") }
            .filter { $0.hasPrefix(path) }
    }

    func bytes(of name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: spool + "/" + name)))
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: spool + "/" + name))
    }
}

/// A clock that a test sets; it starts at the machine's time.
final class TestClock: Sendable {
    private let time = Atomic<UInt64>(SystemClock.epochNanoseconds())

    @Sendable
    func now() -> UInt64 { time.add(1, ordering: .relaxed).newValue }

    func advance(hours: UInt64) { time.add(hours * 3_600_000_000_000, ordering: .relaxed) }
}

enum Make {
    static let identifiers = EventIdentifierGenerator()

    static func records(
        _ count: Int, bodyBytes: Int = 40, capturedAt: UInt64 = SystemClock.epochNanoseconds()
    ) -> [SpoolRecord] {
        (0..<count).map { index in
            let text = "{\"n\":\(index)}"
            return SpoolRecord(
                key: ParcelKey(identifiers.next()), capturedAt: capturedAt,
                body: Array(text.utf8) + [UInt8](repeating: 32, count: max(0, bodyBytes - text.utf8.count)))
        }
    }

    /// The bytes of a segment file.
    static func segment(_ records: [SpoolRecord]) -> [UInt8] {
        var bytes = SpoolFormat.fileHeader
        for record in records { SpoolFormat.append(record, to: &bytes) }
        return bytes
    }

    static func name(_ number: UInt32) -> String {
        SpoolSegmentName.make(nanoseconds: UInt64(number), process: 1, random: number)
    }
}

extension Spool {
    /// Takes all records that are available.
    func takeAll() -> [(record: SpoolRecord, place: SpoolPlace)] {
        look()
        var taken: [(record: SpoolRecord, place: SpoolPlace)] = []
        while let next = next() { taken.append(next) }
        return taken
    }

    /// Takes and settles all records that are available.
    func drain() -> [SpoolRecord] {
        takeAll().map { entry in
            settle(entry.place)
            return entry.record
        }
    }

    func store(_ records: [SpoolRecord]) -> SpoolAppendResult { append(records).result }
}

extension SpoolSegmentReader {
    static func read(_ bytes: [UInt8]) -> SpoolSegmentContents {
        bytes.withUnsafeBytes { read($0) }
    }
}
