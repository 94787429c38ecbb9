#if os(Linux)
    import CPlatform
    import Foundation
    import TestSupport
    import Testing

    @testable import TrackerCore

    @Suite("A detached process", .serialized)
    struct DetachedProcessTests {
        @Test("is ended by SIGALRM when its time is over, even if its parent ignores and blocks that signal")
        func alarm() async throws {
            var set = sigset_t()
            sigemptyset(&set)
            sigaddset(&set, SIGALRM)
            var before = sigset_t()
            pthread_sigmask(SIG_BLOCK, &set, &before)
            let handler = signal(SIGALRM, SIG_IGN)
            let child = cplatform_fork_detached(-1, 1)
            if child == 0 { while true { pause() } }
            signal(SIGALRM, handler)
            pthread_sigmask(SIG_SETMASK, &before, nil)
            try #require(child > 0)
            var status: Int32 = 0
            do {
                try await eventually("the child's end") { waitpid(child, &status, WNOHANG) == child }
            } catch {
                kill(child, SIGKILL)
                waitpid(child, nil, 0)
                throw error
            }
            #expect(status & 0x7F == SIGALRM)
        }

        @Test("has the lock of the descriptor that it keeps until it ends, and no other descriptor")
        func keptDescriptor() async throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/file"
            let kept = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            let other = open(path, O_RDWR | O_CLOEXEC)
            defer { close(other) }
            // Fails where the limit is lower; then there is nothing to close.
            let high = fcntl(other, F_DUPFD_CLOEXEC, 5_000)
            defer { if high >= 0 { close(high) } }
            #expect(cplatform_lock_byte(kept, 7) == 0)
            let child = cplatform_fork_detached(kept, 60)
            if child == 0 {
                // Reports its open descriptors, and waits to be killed.
                var found = [UInt8](repeating: 0, count: 8192)
                for number in 0..<8192 where fcntl(Int32(number), F_GETFD) >= 0 { found[number] = 1 }
                pwrite(kept, found, 8192, 0)
                while true { pause() }
            }
            close(kept)
            try #require(child > 0)
            var found = [UInt8](repeating: 0, count: 8192)
            try await eventually("the child's descriptors") { pread(other, &found, 8192, 0) == 8192 }
            #expect(found.indices.filter { $0 > 2 && found[$0] == 1 } == [Int(kept)])
            #expect(cplatform_lock_byte(other, 7) == -1)
            #expect(cplatform_lock_byte(other, 8) == 0)
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
            #expect(cplatform_lock_byte(other, 7) == 0)
        }
    }
#endif
