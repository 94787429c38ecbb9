// A relay to a port of this machine that delays every byte, for benchmarks; see `Relay`.
//
//     RelayProcess PORT MILLISECONDS    delays by that many milliseconds, each way
//
// Prints its own port. Answers each line on its standard input with the connections accepted since the last line, the
// most that were open at once, and the bytes to the server and back. Exits at the end of its input.

import Foundation
import TestSupport

let arguments = CommandLine.arguments
guard arguments.count == 3, let port = UInt16(arguments[1]), let delay = Double(arguments[2]), delay >= 0 else {
    FileHandle.standardError.write(Data("usage: RelayProcess PORT MILLISECONDS\n".utf8))
    exit(64)
}
do {
    let relay = try Relay(to: port, .init(delay: .microseconds(Int64(delay * 1000))))
    print(relay.port)
    fflush(nil)
    var before = 0
    while readLine() != nil {
        let counts = relay.counts
        print(counts.accepted - before, counts.mostOpen, counts.bytesUp, counts.bytesDown)
        fflush(nil)
        before = counts.accepted
    }
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
