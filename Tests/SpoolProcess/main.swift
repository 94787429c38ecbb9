// Works on a spool until it is killed, and reports to its standard output what it has done.
//
//     SpoolProcess append DIRECTORY           stores records endlessly; prints each key once it is stored
//     SpoolProcess deliver DIRECTORY          takes records endlessly; prints each key, then settles it
//     SpoolProcess measure DIRECTORY COUNT    prints the time of one append, alone and in batches

import CLibrary
import TrackerCore

/// Writes all keys at once, so that a reader sees whole lines, up to the pipe's atomic size.
func report(_ keys: [EventIdentifier]) {
    var lines: [UInt8] = []
    for key in keys {
        key.append(to: &lines)
        lines.append(UInt8(ascii: "\n"))
    }
    var written = 0
    while written < lines.count {
        let count = lines[written...].withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        guard count > 0 else { exit(0) }
        written += count
    }
}

func record(_ identifiers: EventIdentifierGenerator, bodyBytes: Int) -> SpoolRecord {
    SpoolRecord(
        key: ParcelKey(identifiers.next()), capturedAt: SystemClock.epochNanoseconds(),
        body: [UInt8](repeating: UInt8(ascii: "x"), count: bodyBytes))
}

func append(to spool: Spool) {
    let identifiers = EventIdentifierGenerator()
    while true {
        let records = (0..<Int.random(in: 1...20)).map { _ in
            record(identifiers, bodyBytes: .random(in: 0...3_000))
        }
        let (places, result) = spool.append(records)
        guard result.refused == 0 else {
            print("not stored: \(result)")
            exit(3)
        }
        report(zip(records, places).filter { $0.1 != nil }.map { $0.0.key.identifier })
        if Int.random(in: 0..<8) == 0 { spool.close() }
    }
}

func deliver(from spool: Spool) {
    while true {
        spool.look()
        var taken: [(record: SpoolRecord, place: SpoolPlace)] = []
        while taken.count < 2_000, let next = spool.next() { taken.append(next) }
        guard !taken.isEmpty else {
            usleep(200)
            continue
        }
        switch Int.random(in: 0..<3) {
        case 0:
            let half = taken.prefix(taken.count / 2)
            report(half.map { $0.record.key.identifier })
            for entry in half { spool.settle(entry.place) }
            for entry in taken.dropFirst(half.count) { spool.giveBack(entry.place) }
        case 1: for entry in taken { spool.giveBack(entry.place) }
        default:
            report(taken.map { $0.record.key.identifier })
            for entry in taken { spool.settle(entry.place) }
        }
        if Bool.random() { spool.close() }
    }
}

func measure(_ spool: Spool, count: Int) {
    let identifiers = EventIdentifierGenerator()
    let clock = ContinuousClock()
    for batch in [1, 100] {
        let records = (0..<batch).map { _ in record(identifiers, bodyBytes: 1_200) }
        _ = spool.append(records)
        let time = clock.measure { for _ in 0..<count / batch { _ = spool.append(records) } }
        print("append of \(batch): \(time / (count / batch * batch)) a record")
    }
    spool.close()
    spool.look()
    var taken = 0
    let time = clock.measure {
        while let next = spool.next() {
            taken += 1
            spool.settle(next.place)
        }
    }
    print("take and settle: \(time / max(1, taken)) a record, \(taken) records")
    let making = clock.measure { for _ in 0..<count { _ = identifiers.next() } }
    print("identifier: \(making / count)")
    var buffer: [UInt8] = []
    let rendering = clock.measure {
        for _ in 0..<count {
            buffer.removeAll(keepingCapacity: true)
            identifiers.next().append(to: &buffer)
        }
    }
    print("identifier as text: \(rendering / count)")
}

guard CommandLine.arguments.count >= 3 else { exit(64) }
do {
    // Large enough that nothing is ever evicted: the test counts every record.
    var limits = SpoolLimits()
    limits.maximumBytes = 4 << 30
    let spool = try Spool(directory: CommandLine.arguments[2], limits: limits)
    // As in programs that close their input: the next file opened is number 0.
    _ = close(STDIN_FILENO)
    switch CommandLine.arguments[1] {
    case "append": append(to: spool)
    case "deliver": deliver(from: spool)
    case "measure": measure(spool, count: Int(CommandLine.arguments.last ?? "") ?? 40_000)
    default: exit(64)
    }
} catch {
    print(error)
    exit(1)
}
