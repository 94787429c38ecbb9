import Foundation
import TestSupport
import Testing

@testable import TrackerCore

/// The kernel's list of this process's threads.
private let threads = "/proc/self/task"

@Suite("A thread of tasks", .enabled(if: FileManager.default.fileExists(atPath: threads), "needs /proc/self/task"))
struct TaskThreadTests {
    private func runs(_ name: String) throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: threads).contains {
            // A thread may end between the two.
            (try? String(contentsOfFile: "\(threads)/\($0)/comm", encoding: .utf8)) == name + "\n"
        }
    }

    @Test("ends when nothing refers to it")
    func endsWithoutTasks() async throws {
        var thread: TaskThread? = try TaskThread(name: "tasks-none")
        try await eventually("the thread's start") { try runs("tasks-none") }
        withExtendedLifetime(thread) {}
        thread = nil
        try await eventually("the thread's end") { try !runs("tasks-none") }
    }

    @Test("runs its tasks to their end, though its owner is gone")
    func outlivesItsOwner() async throws {
        let (stream, more) = AsyncStream.makeStream(of: Int.self)
        var thread: TaskThread? = try TaskThread(name: "tasks-left")
        let sum = Task(executorPreference: thread) {
            var sum = 0
            for await number in stream { sum += number }
            return sum
        }
        thread = nil
        for number in 1...100 { more.yield(number) }
        try await eventually("the thread's start") { try runs("tasks-left") }
        more.finish()
        #expect(await sum.value == 5050)
        _ = consume sum
        try await eventually("the thread's end") { try !runs("tasks-left") }
    }
}
