import Foundation
import TestSupport
import Testing

@testable import TrackerCore

@Suite("A spool whose processes are killed")
struct SpoolKillTests {
    /// The keys on complete lines.
    private static func keys(_ process: RunningProgram) -> [EventIdentifier] {
        let output = process.output
        guard let end = output.lastIndex(of: "\n") else { return [] }
        return output[..<end].split(separator: "\n").compactMap { EventIdentifier(text: $0) }
    }

    @Test("keeps every record that it said was stored, and leaves no file behind")
    func nothingIsLost() async throws {
        let folder = try TemporaryFolder("kill")
        let path = folder.path + "/spool"
        var deliverers = try (0..<3).map { _ in try RunningProgram("SpoolProcess", ["deliver", path]) }
        var stored: Set<EventIdentifier> = []
        var delivered: Set<EventIdentifier> = []
        for round in 0..<200 {
            let victim = try RunningProgram("SpoolProcess", ["append", path])
            // Kill it at a random point: after a random number of bytes of its report.
            let target = Int.random(in: 1...4_000)
            try await eventually("the first records") {
                try #require(victim.status == nil, "\(victim.lines.last ?? "")")
                return victim.output.utf8.count >= target
            }
            victim.signal(SIGKILL)
            _ = try await victim.end()
            stored.formUnion(Self.keys(victim))
            guard round % 10 == 9 else { continue }
            // Deliverers are killed too, in the middle of their work.
            let unlucky = deliverers.removeFirst()
            unlucky.signal(SIGKILL)
            _ = try await unlucky.end()
            delivered.formUnion(Self.keys(unlucky))
            deliverers.append(try RunningProgram("SpoolProcess", ["deliver", path]))
        }
        try await eventually("an empty directory") { folder.names(in: "spool").isEmpty }
        for deliverer in deliverers {
            deliverer.signal(SIGKILL)
            _ = try await deliverer.end()
            delivered.formUnion(Self.keys(deliverer))
        }
        #expect(stored.count > 2_000)
        #expect(stored.subtracting(delivered).isEmpty)
    }
}
