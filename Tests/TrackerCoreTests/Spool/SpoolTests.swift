import Foundation
import Synchronization
import Testing

@testable import TrackerCore

@Suite("Spool")
struct SpoolTests {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test("gives back what was stored, in order", arguments: [[1], [3, 1, 2], [500]])
    func roundTrip(batches: [Int]) throws {
        let spool = try Spool(directory: directory.spool)
        var stored: [SpoolRecord] = []
        for count in batches {
            let records = Make.records(count, bodyBytes: 1_200)
            #expect(spool.store(records).stored == count)
            stored += records
        }
        #expect(spool.statistics.pendingEvents == stored.count)
        spool.close()
        #expect(spool.drain() == stored)
        #expect(try directory.names().isEmpty)
        #expect(spool.statistics.pendingEvents == 0)
        #expect(spool.statistics.lostEvents == 0)
    }

    @Test("keeps order over many segments, none larger than its limit")
    func manySegments() throws {
        var limits = SpoolLimits()
        limits.maximumSegmentBytes = 4_096
        let spool = try Spool(directory: directory.spool, limits: limits)
        let records = Make.records(300, bodyBytes: 500)
        for start in stride(from: 0, to: 300, by: 20) { _ = spool.store(Array(records[start..<start + 20])) }
        let names = try directory.names()
        #expect(names.count > 30)
        for name in names { #expect(try directory.bytes(of: name).count <= 4_096) }
        spool.close()
        #expect(directory.openFiles.isEmpty)
        #expect(spool.drain() == records)
        spool.close()
        #expect(directory.openFiles.isEmpty)
    }

    @Test("keeps its limits within those of the format")
    func limits() {
        var limits = SpoolLimits()
        (limits.maximumBytes, limits.maximumSegmentBytes, limits.maximumBodyBytes) = (0, 0, -1)
        let least = limits.effective
        #expect(least.maximumBytes == 16 << 10 && least.maximumSegmentBytes == 1 << 10 && least.maximumBodyBytes == 0)
        (limits.maximumBytes, limits.maximumSegmentBytes, limits.maximumBodyBytes) = (.max, .max, .max)
        let most = limits.effective
        #expect(most.maximumSegmentBytes == 2 << 20 && most.maximumBodyBytes == SpoolFormat.maximumBodyBytes)
    }

    @Test("stores a body of the maximum size by itself, and refuses a larger one")
    func largeBodies() throws {
        let spool = try Spool(directory: directory.spool)
        let records = Make.records(1, bodyBytes: 1 << 20) + Make.records(1, bodyBytes: (1 << 20) + 1) + Make.records(1)
        let result = spool.store(records)
        #expect(result.stored == 2)
        #expect(result.tooLarge == 1)
        spool.close()
        #expect(spool.drain() == [records[0], records[2]])
    }

    @Test("accepts an empty batch and an empty body")
    func empty() throws {
        let spool = try Spool(directory: directory.spool)
        #expect(spool.store([]) == SpoolAppendResult())
        let record = SpoolRecord(
            key: ParcelKey(Make.identifiers.next()), capturedAt: SystemClock.epochNanoseconds(), body: [])
        #expect(spool.store([record]).stored == 1)
        spool.close()
        #expect(spool.drain() == [record])
        #expect(spool.takeAll().isEmpty)
    }

    @Test("keeps what it writes to itself until it is closed, and can deliver it itself")
    func closing() throws {
        let spool = try Spool(directory: directory.spool)
        let other = try Spool(directory: directory.spool)
        let records = Make.records(3)
        _ = spool.store([records[0], records[1]])
        #expect(other.takeAll().isEmpty)
        let first = try #require(spool.next())
        #expect(first.record == records[0] && first.place.isOwn)
        _ = spool.store([records[2]])
        #expect(spool.takeAll().map(\.record) == [records[1], records[2]])
        spool.close()
        #expect(other.takeAll().count == 3)
    }

    @Test("hands a record that is out to nobody, and forgets it once it is settled")
    func out() throws {
        let spool = try Spool(directory: directory.spool)
        let records = Make.records(4)
        let places = spool.append(Array(records[0..<2]), areOut: true).places.compactMap { $0 }
        _ = spool.store(Array(records[2..<4]))
        #expect(spool.takeAll().map(\.record) == [records[2], records[3]])
        spool.settle(places[0])
        #expect(spool.statistics.pendingEvents == 3)
        // As after a kill: settled records are not sent again, those in flight are.
        spool.close()
        #expect(try Spool(directory: directory.spool).drain() == [records[1], records[2], records[3]])
    }

    @Test("begins its file anew when all of it is settled, and leaves none behind at rest")
    func reset() throws {
        let spool = try Spool(directory: directory.spool)
        for record in Make.records(50, bodyBytes: 1_000) {
            let place = try #require(spool.append([record], areOut: true).places.first ?? nil)
            #expect(spool.statistics.pendingBytes > 1_000)
            spool.settle(place)
            #expect(spool.statistics.pendingBytes == SpoolFormat.fileHeaderBytes)
        }
        #expect(try directory.names().count == 1)
        spool.rest()
        #expect(try directory.names().isEmpty)
    }

    @Test("remembers that a parcel's lines travel one by one")
    func split() throws {
        let spool = try Spool(directory: directory.spool)
        let record = SpoolRecord(
            key: ParcelKey(Make.identifiers.next()), capturedAt: SystemClock.epochNanoseconds(),
            body: Array("{1}\n{2}\n".utf8))
        _ = spool.store([record])
        let taken = try #require(spool.next())
        #expect(!taken.place.isSplit && taken.record.eventCount == 2)
        taken.place.split()
        spool.close()
        let again = try #require(try Spool(directory: directory.spool).takeAll().first)
        #expect(again.place.isSplit && again.record == record)
    }

    @Test("keeps the key of a part")
    func parts() throws {
        let spool = try Spool(directory: directory.spool)
        let key = ParcelKey(Make.identifiers.next(), lines: 3..<7)
        let record = SpoolRecord(key: key, capturedAt: SystemClock.epochNanoseconds(), body: Array("x".utf8))
        _ = spool.store([record])
        spool.close()
        #expect(try Spool(directory: directory.spool).drain().map(\.key) == [key])
    }

    @Test("gives its directory mode 0700 and its files 0600, and repairs what is wrong")
    func modes() throws {
        let spool = try Spool(directory: directory.spool)
        _ = spool.store(Make.records(1))
        spool.close()
        let file = try directory.spool + "/" + #require(try directory.names().first)
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode(directory.spool) == 0o700 && mode(file) == 0o600)
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: directory.spool)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        let other = try Spool(directory: directory.spool)
        #expect(other.takeAll().count == 1)
        #expect(try mode(directory.spool) == 0o700 && mode(file) == 0o600)
    }

    @Test("drains many small segments without listing the directory for each")
    func smallSegments() throws {
        let record = Make.records(1)
        for number in 1...3_000 {
            if number == 1 { _ = try Spool(directory: directory.spool) }
            try directory.write(Make.segment(record), to: Make.name(UInt32(number)))
        }
        let spool = try Spool(directory: directory.spool)
        spool.look()
        // A later file is found only by another look: the directory is not read in between.
        try directory.write(Make.segment(record), to: Make.name(4_000))
        var count = 0
        while let next = spool.next() {
            count += 1
            spool.settle(next.place)
        }
        #expect(count == 3_000)
        spool.look()
        #expect(spool.next() != nil)
    }

    @Test("does not count files that are not its own against its limit, and counts them once as damage")
    func foreignFiles() throws {
        var limits = SpoolLimits()
        limits.maximumBytes = 64 << 10
        _ = try Spool(directory: directory.spool)
        let zeros = [UInt8](repeating: 0, count: 100_000)
        for number in 1...3 { try directory.write(zeros, to: Make.name(UInt32(number))) }
        try directory.write([UInt8](repeating: 1, count: SpoolFormat.maximumFileBytes + 1), to: Make.name(4))
        let spool = try Spool(directory: directory.spool, limits: limits)
        let records = Make.records(20, bodyBytes: 1_000)
        #expect(spool.store(records).stored == 20)
        spool.close()
        #expect(Set(spool.drain().map(\.key)) == Set(records.map(\.key)))
        #expect(spool.losses.corruptSegments == 4)
        #expect(spool.drain().isEmpty)
        #expect(spool.losses.corruptSegments == 4)
    }

    @Test("is sealed when it is no longer used")
    func release() throws {
        var spool: Spool? = try Spool(directory: directory.spool)
        _ = spool?.append(Make.records(2))
        spool = nil
        #expect(try Spool(directory: directory.spool).drain().count == 2)
    }

    @Test("gives a segment to one process at a time")
    func exclusion() throws {
        let spool = try Spool(directory: directory.spool)
        let other = try Spool(directory: directory.spool)
        _ = spool.store(Make.records(2))
        spool.close()
        let taken = spool.takeAll()
        #expect(taken.count == 2)
        #expect(other.takeAll().isEmpty)
        // Held, so an append must not use it either.
        _ = other.store(Make.records(1))
        #expect(try directory.names().count == 2)
        for entry in taken { spool.giveBack(entry.place) }
        #expect(spool.takeAll().map(\.record) == taken.map(\.record))
    }

    @Test("makes no segment that another process could lock first")
    func segmentsAreBornLocked() throws {
        let spool = try Spool(directory: directory.spool)
        let isOver = Atomic<Bool>(false)
        let looks = Atomic<Int>(0)
        let takenEmpty = Atomic<Int>(0)
        let watcher = Thread { [directory] in
            guard let shared = try? SpoolDirectory(path: directory.spool) else { return }
            while !isOver.load(ordering: .relaxed) {
                looks.add(1, ordering: .relaxed)
                for entry in shared.list(bytesCounted: false)?.segments ?? [] {
                    guard let file = SpoolSegmentFile.open(entry.name, in: shared) else { continue }
                    if file.sizeIfLinked == 0 { takenEmpty.add(1, ordering: .relaxed) }
                    file.close()
                }
            }
        }
        watcher.start()
        while looks.load(ordering: .relaxed) < 1_000 {
            #expect(spool.append(Make.records(1)).result.refused == 0)
            _ = spool.drain()
            spool.rest()
        }
        isOver.store(true, ordering: .relaxed)
        #expect(takenEmpty.load(ordering: .relaxed) == 0)
        #expect(spool.statistics.lostEvents == 0)
    }

    @Test("removes a segment whose process died before locking it, but not too soon")
    func leftovers() throws {
        let clock = TestClock()
        let spool = try Spool(directory: directory.spool, now: clock.now)
        let name = SpoolSegmentName.make(nanoseconds: clock.now(), process: 1, random: 1) + ".new"
        try directory.write([], to: name)
        #expect(spool.drain().isEmpty)
        #expect(try directory.names() == [name])
        clock.advance(hours: 1)
        #expect(spool.drain().isEmpty)
        #expect(try directory.names().isEmpty)
    }

    @Test("continues a segment that nobody holds instead of making a file for each process")
    func continuation() throws {
        for _ in 0..<20 {
            let spool = try Spool(directory: directory.spool)
            _ = spool.store(Make.records(1))
        }
        #expect(try directory.names().count == 1)
        #expect(try Spool(directory: directory.spool).drain().count == 20)
    }

    @Test("continues behind the torn record of a process that died")
    func continuationAfterTear() throws {
        let spool = try Spool(directory: directory.spool)
        let records = Make.records(3)
        _ = spool.store(Array(records[0..<2]))
        spool.close()
        let name = try #require(try directory.names().first)
        try directory.write(Array(try directory.bytes(of: name).dropLast(7)), to: name)
        _ = spool.store([records[2]])
        spool.close()
        #expect(try directory.names() == [name])
        #expect(spool.drain() == [records[0], records[2]])
        #expect(spool.statistics.corruptRecords == 1)
        #expect(spool.statistics.lostEvents == 1)
        #expect(spool.statistics.pendingEvents == 0)
    }

    @Test("does not give settled records again")
    func partialDelivery() throws {
        let spool = try Spool(directory: directory.spool)
        let records = Make.records(5)
        _ = spool.store(records)
        let taken = spool.takeAll()
        for index in [0, 3, 3] { spool.settle(taken[index].place) }
        #expect(spool.statistics.pendingEvents == 3)
        spool.close()
        spool.settle(taken[1].place)
        #expect(spool.drain() == [records[1], records[2], records[4]])
        #expect(spool.statistics.pendingEvents == 0)
        #expect(spool.statistics.lostEvents == 0)
        #expect(try directory.names().isEmpty)
    }

    @Test("counts what another process delivered as taken, and not as lost")
    func takenMeanwhile() throws {
        let first = try Spool(directory: directory.spool)
        _ = first.store(Make.records(3))
        first.close()
        let second = try Spool(directory: directory.spool)
        second.look()
        let place = try #require(second.next()).place
        second.settle(place)
        second.close()
        first.look()
        #expect(first.drain().count == 2)
        #expect(first.statistics.lostEvents == 0)
        #expect(first.statistics.takenByOthers == 1 && first.statistics.pendingEvents == 0)
    }

    @Test("refuses a directory that all users share, and leaves it as it is")
    func sharedDirectory() throws {
        let path = directory.path + "/shared"
        #expect(mkdir(path, 0o700) == 0 && chmod(path, 0o1777) == 0)
        #expect(throws: SpoolError.self) { try Spool(directory: path) }
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o1777)
    }

    @Test("knows its own records from those of others in one segment")
    func ownRecords() throws {
        let first = try Spool(directory: directory.spool)
        let second = try Spool(directory: directory.spool)
        _ = first.store(Make.records(2))
        first.close()
        _ = second.store(Make.records(1))
        second.close()
        #expect(try directory.names().count == 1)
        let taken = first.takeAll()
        #expect(taken.map { $0.place.isOwn } == [true, true, false])
        for entry in taken { first.settle(entry.place) }
        #expect(first.statistics.pendingEvents == 0)
        second.look()
        #expect(second.statistics.takenByOthers == 1)
        #expect(second.statistics.pendingEvents == 0)
    }

    @Test("knows its own records on both sides of another process's")
    func ownRecordsAroundOthers() throws {
        let first = try Spool(directory: directory.spool)
        let second = try Spool(directory: directory.spool)
        for spool in [first, second, first] {
            _ = spool.store(Make.records(1))
            spool.close()
        }
        #expect(try directory.names().count == 1)
        #expect(first.takeAll().map { $0.place.isOwn } == [true, false, true])
    }

    @Test("knows a single record of its own when it takes its segment again")
    func singleOwnRecord() throws {
        let spool = try Spool(directory: directory.spool)
        _ = spool.store(Make.records(1))
        spool.close()
        let taken = spool.takeAll()
        #expect(taken.map { $0.place.isOwn } == [true] && spool.statistics.pendingEvents == 1)
        spool.giveBack(taken[0].place)
        spool.close()
        #expect(spool.takeAll().map { $0.place.isOwn } == [true])
        #expect(spool.statistics.pendingEvents == 1 && spool.statistics.takenByOthers == 0)
    }

    @Test("drops and counts records older than a day, once")
    func expiry() throws {
        let clock = TestClock()
        let spool = try Spool(directory: directory.spool, now: clock.now)
        _ = spool.store(Make.records(2, capturedAt: clock.now()))
        clock.advance(hours: 20)
        let later = Make.records(1, capturedAt: clock.now())
        _ = spool.store(later)
        clock.advance(hours: 5)
        spool.close()
        let taken = spool.takeAll()
        #expect(taken.map(\.record) == later)
        spool.giveBack(taken[0].place)
        #expect(spool.statistics.expiredRecords == 0)
        clock.advance(hours: 20)
        #expect(spool.takeAll().isEmpty)
        #expect(spool.statistics.expiredRecords == 3)
        #expect(spool.statistics.lostEvents == 3)
        #expect(try directory.names().isEmpty)
    }

    @Test("counts the events of others that expire or that it evicts apart from its own")
    func lossesOfOthers() throws {
        let clock = TestClock()
        let first = try Spool(directory: directory.spool, now: clock.now)
        _ = first.store(Make.records(3, capturedAt: clock.now()))
        first.close()
        clock.advance(hours: 25)
        var limits = SpoolLimits()
        limits.maximumBytes = 32 << 10
        limits.maximumSegmentBytes = 4 << 10
        let second = try Spool(directory: directory.spool, limits: limits, now: clock.now)
        #expect(second.takeAll().isEmpty)
        #expect(second.statistics.lostOfOthers == 3 && second.statistics.lostEvents == 0)
        _ = second.store(Make.records(20, bodyBytes: 500, capturedAt: clock.now()))
        second.close()
        let third = try Spool(directory: directory.spool, limits: limits, now: clock.now)
        for record in Make.records(100, bodyBytes: 500, capturedAt: clock.now()) { _ = third.store([record]) }
        #expect(third.statistics.lostOfOthers == 20)
        #expect(third.statistics.lostOfOthers + third.statistics.lostEvents == third.statistics.evictedEvents)
    }

    @Test("counts what has expired also if the segment is emptied and written to again")
    func lossesInContinuedSegment() throws {
        let clock = TestClock()
        let earlier = try Spool(directory: directory.spool, now: clock.now)
        _ = earlier.store(Make.records(3, capturedAt: clock.now()))
        earlier.close()
        clock.advance(hours: 25)
        let later = try Spool(directory: directory.spool, now: clock.now)
        _ = later.store(Make.records(2, capturedAt: clock.now()))
        for taken in later.takeAll() { later.settle(taken.place) }
        _ = later.store(Make.records(1, capturedAt: clock.now()))
        clock.advance(hours: 25)
        #expect(later.takeAll().isEmpty)
        later.close()
        #expect(later.statistics.lostOfOthers == 3 && later.statistics.lostEvents == 1)
    }

    @Test("evicts the oldest segments at its size limit, and counts their events")
    func eviction() throws {
        var limits = SpoolLimits()
        limits.maximumBytes = 32 << 10
        limits.maximumSegmentBytes = 4 << 10
        let spool = try Spool(directory: directory.spool, limits: limits)
        let records = Make.records(200, bodyBytes: 500)
        var evicted = 0
        for record in records {
            let result = spool.store([record])
            #expect(result.stored == 1)
            #expect((result.evictedEvents > 0) == (result.evictedSegments > 0))
            evicted += result.evictedEvents
            #expect(spool.statistics.pendingBytes <= limits.maximumBytes)
        }
        #expect(evicted > 100)
        #expect(spool.statistics.evictedEvents == evicted)
        #expect(spool.statistics.lostEvents == evicted)
        #expect(spool.statistics.lostOfOthers == 0)
        #expect(spool.statistics.pendingEvents == 200 - evicted)
        spool.close()
        #expect(spool.drain() == Array(records.dropFirst(evicted)))
    }

    @Test("drops the new records when every segment that could be evicted is held")
    func nothingToEvict() throws {
        var limits = SpoolLimits()
        limits.maximumBytes = 16 << 10
        let spool = try Spool(directory: directory.spool, limits: limits)
        #expect(spool.store(Make.records(28, bodyBytes: 500)).stored == 28)
        spool.close()
        let other = try Spool(directory: directory.spool)
        let taken = other.takeAll()
        let result = spool.store(Make.records(6, bodyBytes: 500))
        #expect(result.stored + result.spoolFull == 6)
        #expect(result.spoolFull > 3)
        #expect(result.evictedSegments == 0)
        #expect(spool.statistics.pendingBytes <= limits.maximumBytes)
        #expect(taken.count == 28)
    }

    @Test("refuses a record that could never fit, and evicts nothing for it")
    func largerThanTheSpool() throws {
        var limits = SpoolLimits()
        limits.maximumBytes = 16 << 10
        let spool = try Spool(directory: directory.spool, limits: limits)
        _ = spool.store(Make.records(3))
        let result = spool.store(Make.records(1, bodyBytes: 20_000))
        #expect(result.tooLarge == 1)
        #expect(result.evictedSegments == 0)
    }
}
