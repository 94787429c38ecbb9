/// Mutates known inputs into new ones, reproducibly for the same seed.
package struct Mutator {
    private var state: UInt64
    private let inputs: [[UInt8]]

    package init(seed: UInt64, inputs: [[UInt8]]) {
        state = seed
        self.inputs = inputs
    }

    private mutating func random(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((value ^ value >> 31) % UInt64(max(1, bound)))
    }

    package mutating func next() -> [UInt8] {
        var input = inputs[random(inputs.count)]
        for _ in 0...random(8) { mutate(&input) }
        return input.count > 65_536 ? Array(input.prefix(65_536)) : input
    }

    private mutating func mutate(_ input: inout [UInt8]) {
        let place = random(input.count + 1)
        let length = min(input.count - place, random(16))
        switch random(9) {
        case 0: if place < input.count { input[place] ^= 1 << UInt8(random(8)) }
        case 1: if place < input.count { input[place] = UInt8(random(256)) }
        case 2: input.insert(contentsOf: Seeds.dictionary[random(Seeds.dictionary.count)], at: place)
        case 3: input.removeSubrange(place..<(place + length))
        case 4: input.insert(contentsOf: Array(input[place..<(place + length)]), at: place)
        case 5: input.removeSubrange(place...)
        case 6:
            let other = inputs[random(inputs.count)]
            input = Array(input[..<place]) + other[random(other.count)...]
        case 7:
            let piece = Seeds.dictionary[random(Seeds.dictionary.count)]
            for _ in 0..<random(40) { input.insert(contentsOf: piece, at: place) }
        default:
            input.insert(contentsOf: (0..<random(9)).map { _ in UInt8(truncatingIfNeeded: place &* 31) }, at: place)
        }
    }
}
