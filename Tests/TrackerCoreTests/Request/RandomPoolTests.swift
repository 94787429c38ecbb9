import CPlatform
import Foundation
import TestSupport
import Testing

@testable import TrackerCore

@Suite("New sessions", .serialized)
struct RandomPoolTests {
    @Test("are new on every thread")
    func threads() async {
        let (tasks, each) = (8, 2000)
        let found = await withTaskGroup(of: [SessionIdentifier].self) { group in
            for _ in 0..<tasks { group.addTask { (0..<each).map { _ in SessionIdentifier() } } }
            return await group.reduce(into: Set<SessionIdentifier>()) { $0.formUnion($1) }
        }
        #expect(found.count == tasks * each)
    }

    #if os(Linux)
        @Test("are others in a process than in the one that forked it")
        func processes() async throws {
            let folder = try TemporaryFolder()
            let file = folder.path + "/sessions"
            let before = SessionIdentifier()
            let child = cplatform_fork_detached(-1, 0)
            guard child != 0 else {
                // The child, in which only this thread exists: reports what it got, and exits without the parent's
                // cleanup.
                let text = (0..<20).map { _ in SessionIdentifier().description }.joined(separator: "\n") + "\nend"
                let bytes = Array(text.utf8)
                let descriptor = open(file, O_WRONLY | O_CREAT, 0o600)
                _exit(write(descriptor, bytes, bytes.count) == bytes.count ? 0 : 1)
            }
            defer { waitpid(child, nil, 0) }
            let own = (0..<20).map { _ in SessionIdentifier().description }
            try await eventually("the child's sessions") {
                (try? String(contentsOfFile: file, encoding: .utf8))?.hasSuffix("end") == true
            }
            let others = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").dropLast().map(
                String.init)
            #expect(others.count == 20)
            #expect(Set(own + others + [before.description]).count == 41)
        }
    #endif
}
