import Foundation
import Testing

@testable import TrackerCore

@Suite("A damaged segment")
struct SpoolSegmentReaderTests {
    let records = Make.records(4)

    @Test("cut at any byte of its last record gives all the others")
    func cuts() {
        let whole = Make.segment(records)
        let start = Make.segment(Array(records.dropLast())).count
        for end in start..<whole.count {
            let contents = SpoolSegmentReader.read(Array(whole[..<end]))
            #expect(contents.entries.map(\.record) == Array(records.dropLast()))
            #expect(contents.torn == (end == start ? 0 : 1))
            #expect(contents.corrupt == 0)
        }
    }

    @Test("with any flipped bit loses one record at most")
    func flips() {
        let whole = Make.segment(records)
        let size = SpoolFormat.encodedBytes(of: records[0])
        for position in SpoolFormat.fileHeaderBytes..<whole.count {
            let damaged = (position - SpoolFormat.fileHeaderBytes) / size
            for bit in 0..<8 {
                var bytes = whole
                bytes[position] ^= 1 << bit
                let contents = SpoolSegmentReader.read(bytes)
                // A damaged mark loses nothing: the record counts as pending.
                let isMark = (position - SpoolFormat.fileHeaderBytes) % size < 4
                let expected = records.enumerated().filter { isMark || $0.offset != damaged }.map(\.element)
                guard contents.entries.map(\.record) == expected, !contents.entries.contains(where: \.isDelivered),
                    contents.corrupt + contents.torn == (isMark ? 0 : 1)
                else {
                    Issue.record("bit \(bit) of byte \(position): \(contents)")
                    return
                }
            }
        }
    }

    @Test("with foreign bytes between two records loses neither", arguments: 1...50)
    func foreignBytes(count: Int) {
        let whole = Make.segment(records)
        let start = Make.segment([records[0]]).count
        let contents = SpoolSegmentReader.read(
            whole[..<start] + [UInt8](repeating: 0xFF, count: count) + whole[start...])
        #expect(contents.entries.map(\.record) == records)
        #expect(contents.corrupt == 1 && contents.torn == 0)
    }

    @Test("with a wrong length loses only that record", arguments: [0, 1, 39, 41, 1 << 20, 0x7FFF_FFFF, UInt32.max])
    func lyingLength(length: UInt32) {
        for hasMatchingChecksum in [false, true] {
            var bytes = Make.segment(records)
            let start = Make.segment([records[0]]).count
            bytes.replace(at: start + 8, with: length)
            if hasMatchingChecksum {
                bytes.replace(
                    at: start + 40, with: Array(bytes[start + 4..<start + 40]).withUnsafeBytes(CRC32.checksum))
            }
            let contents = SpoolSegmentReader.read(bytes)
            #expect(contents.entries.map(\.record) == [records[0], records[2], records[3]])
            #expect(contents.corrupt == 1)
        }
    }

    @Test("full of headers that claim long bodies is given up in bounded time")
    func bomb() {
        var bytes = SpoolFormat.fileHeader
        while bytes.count < 1 << 19 {
            var header: [UInt8] = []
            SpoolFormat.append(records[0], to: &header)
            header.replace(at: 8, with: UInt32(1 << 18))
            header.replace(at: 40, with: Array(header[4..<40]).withUnsafeBytes(CRC32.checksum))
            bytes += header.prefix(SpoolFormat.recordHeaderBytes)
        }
        let contents = SpoolSegmentReader.read(bytes)
        #expect(contents.entries.isEmpty)
        #expect(contents.torn == 1)
    }

    @Test("of zeros or nothing holds nothing", arguments: [0, 1, 15, 16, 17, 5_000])
    func zeros(count: Int) {
        let contents = SpoolSegmentReader.read([UInt8](repeating: 0, count: count))
        #expect(contents.entries.isEmpty)
        #expect(contents.torn == (count > 16 ? 1 : 0))
    }

    @Test("counts each unreadable record whose header is intact")
    func neighbors() {
        var bytes = Make.segment(records)
        let size = SpoolFormat.encodedBytes(of: records[0])
        bytes[16 + size + 60] ^= 1
        bytes[16 + 2 * size + 60] ^= 1
        let contents = SpoolSegmentReader.read(bytes)
        #expect(contents.entries.map(\.record) == [records[0], records[3]])
        #expect(contents.corrupt == 2)
    }

    @Test("tells its header's state", arguments: 0...16)
    func headers(count: Int) {
        let part = Array(SpoolFormat.fileHeader.prefix(count))
        #expect(part.withUnsafeBytes(SpoolFormat.readHeader) == (count < 16 ? .unfinished : .current))
        for position in 0..<count {
            var damaged = part
            damaged[position] ^= 0x10
            #expect(damaged.withUnsafeBytes(SpoolFormat.readHeader) == .foreign)
        }
    }
}

@Suite("CRC-32")
struct CRC32Tests {
    @Test(
        "has the published check values",
        arguments: [("", 0), ("a", 0xE8B7_BE43), ("123456789", 0xCBF4_3926)] as [(String, UInt32)])
    func known(text: String, checksum: UInt32) {
        #expect(Array(text.utf8).withUnsafeBytes(CRC32.checksum) == checksum)
    }

    @Test("is the one of the definition, at every length and alignment")
    func definition() {
        let bytes = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 7) }
        for start in 0..<9 {
            for end in start..<bytes.count {
                var remainder = ~UInt32(0)
                for byte in bytes[start..<end] {
                    remainder ^= UInt32(byte)
                    for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1) * 0xEDB8_8320 }
                }
                let checksum = bytes.withUnsafeBytes {
                    CRC32.checksum(of: UnsafeRawBufferPointer(rebasing: $0[start..<end]))
                }
                #expect(checksum == ~remainder)
            }
        }
    }
}

extension [UInt8] {
    mutating func replace(at position: Int, with value: UInt32) {
        for index in 0..<4 where position + index < count {
            self[position + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index)))
        }
    }
}
