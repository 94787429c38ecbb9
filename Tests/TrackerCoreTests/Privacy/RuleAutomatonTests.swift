#if os(Linux)
    import CPlatform
    import Foundation
    import TestSupport
    import Testing

    @testable import TrackerCore

    @Suite("An automaton with names of the app's own")
    struct RuleAutomatonTests {
        @Test("gives back all of its memory", .enabled(if: allocatedBytes() != nil))
        func release() async throws {
            func build(_ count: Int) { for _ in 0..<count { _ = RuleAutomaton(adding: ["licence plate"]) } }
            // Initialize all constants here: the child must not, because another thread may be doing so at the fork.
            build(1)
            // A process where nothing else allocates.
            let child = cplatform_fork_detached(-1, 60)
            if child == 0 {
                // The C library counts freed small blocks that it caches as allocated.
                build(3)
                let before = allocatedBytes() ?? 0
                build(10)
                _exit((allocatedBytes() ?? 0) - before < 2_000 ? 0 : 1)
            }
            try #require(child > 0)
            var status: Int32 = 0
            try await eventually("the child's end") { waitpid(child, &status, WNOHANG) == child }
            #expect(status == 0)
        }
    }
#endif
