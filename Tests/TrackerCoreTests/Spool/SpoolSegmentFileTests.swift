import Foundation
import TestSupport
import Testing

@testable import TrackerCore

@Suite("A segment's file")
struct SpoolSegmentFileTests {
    @Test("is emptied if it can't be deleted, so that its events are not delivered again")
    func emptied() throws {
        let folder = try TemporaryFolder()
        let directory = try SpoolDirectory(path: folder.path + "/spool")
        let name = "0000000000000001-00000001-00000001.spool"
        let file = try SpoolSegmentFile.create(name, in: directory).get()
        defer { file.close() }
        let bytes = [UInt8](repeating: 7, count: 100)
        #expect(bytes.withUnsafeBytes { file.write($0, at: 0) }.written == 100)
        let elsewhere = folder.path + "/elsewhere"
        try FileManager.default.linkItem(atPath: folder.path + "/spool/" + name, toPath: elsewhere)
        // A directory with its name: unlink fails, as it does in a directory that has become read-only.
        try FileManager.default.removeItem(atPath: folder.path + "/spool/" + name)
        try FileManager.default.createDirectory(
            atPath: folder.path + "/spool/" + name, withIntermediateDirectories: false)
        #expect(file.remove())
        #expect(try Data(contentsOf: URL(fileURLWithPath: elsewhere)).isEmpty)
    }
}
