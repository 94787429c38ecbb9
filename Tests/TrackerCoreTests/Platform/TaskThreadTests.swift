import TestSupport
import Testing

@testable import TrackerCore

@Suite("A thread of tasks", .enabled(if: ThreadNames.areKnown, "needs /proc/self/task"))
struct TaskThreadTests {
    private func runs(_ name: String) -> Bool { ThreadNames.all().contains(name) }

    @Test("ends when nothing refers to it")
    func endsWithoutTasks() async throws {
        var thread: TaskThread? = try TaskThread(name: "tasks-none")
        try await eventually("the thread's start") { runs("tasks-none") }
        withExtendedLifetime(thread) {}
        thread = nil
        try await eventually("the thread's end") { !runs("tasks-none") }
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
        try await eventually("the thread's start") { runs("tasks-left") }
        more.finish()
        #expect(await sum.value == 5050)
        _ = consume sum
        try await eventually("the thread's end") { !runs("tasks-left") }
    }
}
