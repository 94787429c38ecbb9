// Runs the fuzz targets with mutated seeds: Fuzzer [TARGET|all] [RUNS] [SEED]
//
// Exits with 1 at the first finding and prints the input; the same seed finds it again. On a crash, Swift's runtime
// prints the report. `scripts/fuzz` does the same with libFuzzer, which is guided by coverage.

import CLibrary
import FuzzTargets

func peakMemory() -> Int {
    var usage = rusage()
    #if canImport(Glibc)
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    #else
        getrusage(RUSAGE_SELF, &usage)
    #endif
    return usage.ru_maxrss * 1024
}

/// This process's CPU time, which does not grow while other processes run.
func processorNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

let arguments = CommandLine.arguments
let name = arguments.count > 1 ? arguments[1] : "all"
let runs = arguments.count > 2 ? Int(arguments[2]) ?? 100_000 : 100_000
let seed = arguments.count > 3 ? UInt64(arguments[3]) ?? 1 : 1
let targets = FuzzTarget.all.filter { name == "all" || $0.name == name }
guard !targets.isEmpty else {
    print("no such target; there are \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
    exit(64)
}

for target in targets {
    var mutator = Mutator(seed: seed, inputs: target.seeds)
    var slowest: (time: UInt64, input: [UInt8]) = (0, [])
    var settled = 0
    let begun = processorNanoseconds()
    for run in 0..<runs {
        let input = mutator.next()
        let started = processorNanoseconds()
        do {
            try target.run(input)
        } catch {
            print("\(target.name), run \(run): \(error)\n\(input)")
            exit(1)
        }
        let took = processorNanoseconds() - started
        if took > slowest.time { slowest = (took, input) }
        if took > 1_000_000_000 {
            print("\(target.name), run \(run): took \(took / 1_000_000) ms\n\(input)")
            exit(1)
        }
        if run == runs / 10 { settled = peakMemory() }
    }
    let seconds = Double(processorNanoseconds() - begun) / 1e9
    let growth = peakMemory() - settled
    print(
        "\(target.name): \(runs) runs in \(Int(seconds)) s of CPU, slowest \(slowest.time / 1000) us, peak memory grew by "
            + "\(growth / 1024) KiB after the first tenth")
    let shown = String(decoding: slowest.input.prefix(80), as: UTF8.self).debugDescription
    print("\(target.name): the slowest has \(slowest.input.count) bytes and begins with \(shown)")
    if target.name == "filter" {
        let worst = FuzzTarget.worstSteps.withLock { $0 }
        let text = String(decoding: worst.text.prefix(300), as: UTF8.self).debugDescription
        print("filter: at most \(worst.ratio) steps for a byte, for \(text) over and over")
    }
    if growth > 64 << 20 { exit(1) }
}
