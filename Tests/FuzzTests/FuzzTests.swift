import FuzzTargets
import Testing

@Suite("Hostile input")
struct FuzzTests {
    @Test("is read without a crash, a hang or a wrong result", arguments: FuzzTarget.all.map(\.name))
    func shortRun(name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        for seed in target.seeds { #expect(throws: Never.self) { try target.run(seed) } }
        var mutator = Mutator(seed: 20_261_124, inputs: target.seeds)
        for run in 0..<1_000 {
            let input = mutator.next()
            #expect(throws: Never.self, "run \(run): \(input)") { try target.run(input) }
        }
    }

    @Test("is the same again for the same seed")
    func repeatable() {
        var one = Mutator(seed: 7, inputs: [[1, 2, 3], [4]])
        var other = Mutator(seed: 7, inputs: [[1, 2, 3], [4]])
        var third = Mutator(seed: 8, inputs: [[1, 2, 3], [4]])
        var differs = false
        for _ in 0..<100 {
            let input = one.next()
            #expect(input == other.next())
            if input != third.next() { differs = true }
        }
        #expect(differs, "another seed gives the same inputs")
    }
}
