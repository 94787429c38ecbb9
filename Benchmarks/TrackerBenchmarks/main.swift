import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
// Not on the concurrency runtime's main loop, under which tools that count instructions do not work.
switch arguments.first {
case "--sink": exit(SingleOperation.sink())
case "--operations": exit(SingleOperation.run(Array(arguments.dropFirst())))
case "--fill-queue": exit(QueueMemory.run(Array(arguments.dropFirst())))
default:
    Task { exit(await BenchmarkProgram.run(arguments)) }
    dispatchMain()
}
