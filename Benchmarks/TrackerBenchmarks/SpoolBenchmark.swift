import Foundation
import TrackerCore

/// Events to disk and back, compared with a program that only writes and reads the same bytes.
enum SpoolBenchmark {
    private static let events = 20_000
    private static let bytes = 1_173

    static func run() throws -> Table {
        var table = Table(
            "Spool: \(events) events of \(bytes) bytes, in a temporary folder",
            columns: ["operation", "events/s", "MB/s", "ratio to plain files"])
        var plain: [(write: Double, read: Double)] = []
        var ours: [Int: [Double]] = [:]
        var reads: [Double] = []
        for _ in 0..<5 {
            plain.append(try plainFile())
            for batch in [1, 64] {
                let times = try spool(batch: batch)
                ours[batch, default: []].append(times.append)
                reads.append(times.readBack)
            }
        }
        func add(_ name: String, _ seconds: [Double], _ base: [Double]) {
            let time = median(seconds)
            table.add(
                name, String(Int(Double(events) / time)), decimal(Double(events * bytes) / time / 1e6, 0),
                decimal(median(base) / time))
        }
        let written = plain.map(\.write)
        add("write(2) of each event", written, written)
        add("append, one event at a time", ours[1] ?? [], written)
        add("append, 64 at a time", ours[64] ?? [], written)
        add("read(2) of the whole file", plain.map(\.read), plain.map(\.read))
        add("claim, check and remove", reads, plain.map(\.read))
        return table
    }

    private static func spool(batch: Int) throws -> (append: Double, readBack: Double) {
        let directory = try BenchmarkTools.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let spool = try Spool(directory: directory.appending(path: "spool").path)
        let identifiers = EventIdentifierGenerator()
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: bytes)
        let start = SystemClock.monotonicNanoseconds()
        for _ in 0..<events / batch {
            let records = (0..<batch).map { _ in
                SpoolRecord(
                    key: ParcelKey(identifiers.next()), capturedAt: SystemClock.epochNanoseconds(), body: body)
            }
            guard spool.append(records).result.stored == batch else { throw BenchmarkFailure("the spool took not all") }
        }
        let middle = SystemClock.monotonicNanoseconds()
        spool.close()
        spool.look()
        var count = 0
        while let next = spool.next() {
            count += 1
            spool.settle(next.place)
        }
        guard count == events / batch * batch else { throw BenchmarkFailure("the spool gave back \(count)") }
        let end = SystemClock.monotonicNanoseconds()
        return (Double(middle - start) / 1e9, Double(end - middle) / 1e9)
    }

    private static func plainFile() throws -> (write: Double, read: Double) {
        let directory = try BenchmarkTools.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "plain").path
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: bytes)
        let start = SystemClock.monotonicNanoseconds()
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        for _ in 0..<events where write(file, body, body.count) != body.count {
            throw BenchmarkFailure("a file can't be written")
        }
        close(file)
        let middle = SystemClock.monotonicNanoseconds()
        let all = try Data(contentsOf: URL(fileURLWithPath: path))
        guard all.count == events * bytes else { throw BenchmarkFailure("a file can't be read") }
        return (Double(middle - start) / 1e9, Double(SystemClock.monotonicNanoseconds() - middle) / 1e9)
    }
}
