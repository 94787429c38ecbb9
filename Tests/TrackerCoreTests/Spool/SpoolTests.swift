import Foundation
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
            #expect(spool.append(records).stored == count)
            stored += records
        }
        #expect(spool.statistics.pendingEvents == stored.count)
        spool.seal()
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
        for start in stride(from: 0, to: 300, by: 20) { _ = spool.append(Array(records[start..<start + 20])) }
        let names = try directory.names()
        #expect(names.count > 30)
        for name in names { #expect(try directory.bytes(of: name).count <= 4_096) }
        spool.seal()
        #expect(spool.drain() == records)
    }

    @Test("stores a body of the largest size alone, and refuses a larger one")
    func largeBodies() throws {
        let spool = try Spool(directory: directory.spool)
        let records = Make.records(1, bodyBytes: 1 << 20) + Make.records(1, bodyBytes: (1 << 20) + 1) + Make.records(1)
        let result = spool.append(records)
        #expect(result.stored == 2)
        #expect(result.tooLarge == 1)
        spool.seal()
        #expect(spool.drain() == [records[0], records[2]])
    }

    @Test("accepts an empty batch and an empty body")
    func empty() throws {
        let spool = try Spool(directory: directory.spool)
        #expect(spool.append([]) == SpoolAppendResult())
        let record = SpoolRecord(
            idempotencyKey: Make.identifiers.next(), capturedAt: SystemClock.epochNanoseconds(), body: [])
        #expect(spool.append([record]).stored == 1)
        spool.seal()
        #expect(spool.drain() == [record])
        #expect(spool.claim() === nil)
    }

    @Test("keeps what it writes to itself until it is sealed")
    func sealing() throws {
        let spool = try Spool(directory: directory.spool)
        let other = try Spool(directory: directory.spool)
        _ = spool.append(Make.records(2))
        #expect(spool.claim() === nil)
        #expect(other.claim() === nil)
        spool.seal()
        #expect(other.claim()?.records.count == 2)
    }

    @Test("is sealed when it is no longer used")
    func release() throws {
        var spool: Spool? = try Spool(directory: directory.spool)
        _ = spool?.append(Make.records(2))
        spool = nil
        #expect(try Spool(directory: directory.spool).drain().count == 2)
    }

    @Test("gives a segment to one claim at a time, until it is released")
    func exclusion() throws {
        let spool = try Spool(directory: directory.spool)
        let other = try Spool(directory: directory.spool)
        _ = spool.append(Make.records(2))
        spool.seal()
        let claim = try #require(spool.claim())
        #expect(spool.claim() === nil)
        #expect(other.claim() === nil)
        // Held, so that an append must not go into it either.
        _ = other.append(Make.records(1))
        #expect(try directory.names().count == 2)
        claim.release()
        #expect(spool.claim()?.records.count == 2)
    }

    @Test("continues a segment that nobody holds instead of making a file for each process")
    func continuation() throws {
        for _ in 0..<20 {
            let spool = try Spool(directory: directory.spool)
            _ = spool.append(Make.records(1))
        }
        #expect(try directory.names().count == 1)
        #expect(try Spool(directory: directory.spool).drain().count == 20)
    }

    @Test("continues behind the torn record of a process that died")
    func continuationAfterTear() throws {
        let spool = try Spool(directory: directory.spool)
        let records = Make.records(3)
        _ = spool.append(Array(records[0..<2]))
        spool.seal()
        let name = try #require(try directory.names().first)
        try directory.write(Array(try directory.bytes(of: name).dropLast(7)), to: name)
        _ = spool.append([records[2]])
        spool.seal()
        #expect(try directory.names() == [name])
        let claim = try #require(spool.claim())
        #expect(claim.records == [records[0], records[2]])
        #expect(claim.losses.corrupt == 1)
        claim.remove()
        #expect(spool.statistics.corruptRecords == 1)
        #expect(spool.statistics.lostEvents == 1)
        #expect(spool.statistics.pendingEvents == 0)
    }

    @Test("does not give delivered records again after a partial delivery")
    func partialDelivery() throws {
        let spool = try Spool(directory: directory.spool)
        let records = Make.records(5)
        _ = spool.append(records)
        spool.seal()
        let claim = try #require(spool.claim())
        claim.markDelivered([0, 3, 3, 99, -1])
        #expect(spool.statistics.pendingEvents == 3)
        claim.release()
        claim.markDelivered([1])
        #expect(!claim.remove())
        #expect(try Spool(directory: directory.spool).claim()?.records == [records[1], records[2], records[4]])
        #expect(spool.drain() == [records[1], records[2], records[4]])
        #expect(spool.statistics.pendingEvents == 0)
        #expect(spool.statistics.lostEvents == 0)
    }

    @Test("removes a segment whose records have all been marked as delivered")
    func allMarked() throws {
        let spool = try Spool(directory: directory.spool)
        _ = spool.append(Make.records(3))
        spool.seal()
        spool.claim()?.markDelivered(0..<3)
        #expect(spool.claim() === nil)
        #expect(try directory.names().isEmpty)
        #expect(spool.statistics.lostEvents == 0)
    }

    @Test("knows its own records from those of others in one segment")
    func ownRecords() throws {
        let first = try Spool(directory: directory.spool)
        let second = try Spool(directory: directory.spool)
        for (spool, count) in [(first, 2), (second, 1), (first, 1)] {
            _ = spool.append(Make.records(count))
            spool.seal()
        }
        let claim = try #require(first.claim())
        #expect(claim.records.indices.map { claim.isOwn(at: $0) } == [true, true, false, true])
        #expect(!claim.isOwn(at: 4))
        claim.remove()
        #expect(first.statistics.pendingEvents == 0)
        #expect(second.statistics.takenByOthers == 1)
        #expect(second.statistics.pendingEvents == 0)
    }

    @Test("drops and counts records older than a day, once")
    func expiry() throws {
        let clock = TestClock()
        let spool = try Spool(directory: directory.spool, now: clock.now)
        _ = spool.append(Make.records(2, capturedAt: clock.now()))
        clock.advance(hours: 20)
        let later = Make.records(1, capturedAt: clock.now())
        _ = spool.append(later)
        clock.advance(hours: 5)
        spool.seal()
        let claim = try #require(spool.claim())
        #expect(claim.records == later)
        #expect(claim.losses.expired == 2)
        claim.release()
        #expect(spool.statistics.expiredRecords == 0)
        clock.advance(hours: 20)
        #expect(spool.claim() === nil)
        #expect(spool.statistics.expiredRecords == 3)
        #expect(spool.statistics.lostEvents == 3)
        #expect(try directory.names().isEmpty)
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
            let result = spool.append([record])
            #expect(result.stored == 1)
            #expect((result.evictedEvents > 0) == (result.evictedSegments > 0))
            evicted += result.evictedEvents
            #expect(spool.statistics.pendingBytes <= limits.maximumBytes)
        }
        #expect(evicted > 100)
        #expect(spool.statistics.evictedEvents == evicted)
        #expect(spool.statistics.lostEvents == evicted)
        #expect(spool.statistics.pendingEvents == 200 - evicted)
        spool.seal()
        #expect(spool.drain() == Array(records.dropFirst(evicted)))
    }

    @Test("drops the new records when every segment that could be evicted is held")
    func nothingToEvict() throws {
        var limits = SpoolLimits()
        limits.maximumBytes = 16 << 10
        let spool = try Spool(directory: directory.spool, limits: limits)
        #expect(spool.append(Make.records(28, bodyBytes: 500)).stored == 28)
        spool.seal()
        let other = try Spool(directory: directory.spool)
        var claims: [SpoolClaim] = []
        while let claim = other.claim() { claims.append(claim) }
        let result = spool.append(Make.records(6, bodyBytes: 500))
        #expect(result.stored + result.spoolFull == 6)
        #expect(result.spoolFull > 3)
        #expect(result.evictedSegments == 0)
        #expect(spool.statistics.pendingBytes <= limits.maximumBytes)
        #expect(claims.map(\.records.count).reduce(0, +) == 28)
    }

    @Test("refuses a record that could never fit, and evicts nothing for it")
    func largerThanTheSpool() throws {
        var limits = SpoolLimits()
        limits.maximumBytes = 16 << 10
        let spool = try Spool(directory: directory.spool, limits: limits)
        _ = spool.append(Make.records(3))
        let result = spool.append(Make.records(1, bodyBytes: 20_000))
        #expect(result.tooLarge == 1)
        #expect(result.evictedSegments == 0)
    }

    @Test("may be used from many threads at once")
    func concurrency() async throws {
        let spool = try Spool(directory: directory.spool)
        let records = Make.records(2_000)
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for index in stride(from: worker, to: 2_000, by: 4) {
                        _ = spool.append([records[index]])
                        if index % 97 == 0 { spool.seal() }
                        if index % 31 == 0 { spool.claim()?.release() }
                    }
                }
            }
        }
        spool.seal()
        let found = spool.drain()
        #expect(found.count == 2_000)
        #expect(Set(found.map(\.idempotencyKey)) == Set(records.map(\.idempotencyKey)))
    }
}
