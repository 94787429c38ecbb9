// This package's contender in the comparison; `worker.py` describes the arguments.

import CLibrary
import TrackerCore

let arguments = CommandLine.arguments
guard arguments.count == 3, let count = Int(arguments[2]), count > 0,
    let work = try? TrackedWork(configuration: TrackerConfiguration())
else {
    print("usage: RA_...=... CompareProcess added|run|threads COUNT")
    exit(64)
}
switch arguments[1] {
case "added": print(work.added(count))
case "run": print(work.run(count))
default: print(work.inThreads(count))
}
print("ending")
fflush(nil)
work.tracker.shutdown()
// Printed last, because the delivery thread loads libcurl after the first request.
print("{\"mib\": \(ProcessStatus.peakMemory)}")
