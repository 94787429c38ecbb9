import Foundation
import TrackerCore

exit(await BenchmarkProgram.run(Array(CommandLine.arguments.dropFirst())))
