/// Which records of a claimed segment a delivery carries.
///
/// A rejected batch is halved again and again; its halves share one part, which is settled when the last of them is.
final class SpoolPart {
    let segment: SpoolSegmentInHand
    let indices: Range<Int>
    /// Deliveries of this part that are not settled yet.
    var openDeliveries = 1
    /// How many of its events this process wrote, and has not counted as delivered or dropped yet.
    var ownEvents: Int

    init(segment: SpoolSegmentInHand, indices: Range<Int>) {
        self.segment = segment
        self.indices = indices
        ownEvents = indices.reduce(0) { sum, index in
            sum + (segment.claim.isOwn(at: index) ? segment.claim.records[index].eventCount : 0)
        }
    }
}

/// A claimed segment whose records are being delivered.
final class SpoolSegmentInHand {
    let claim: SpoolClaim
    /// The first record that was not handed out.
    var next = 0
    /// Parts that were handed out and are not settled.
    var openParts = 0

    init(_ claim: SpoolClaim) {
        self.claim = claim
    }

    var isExhausted: Bool { next >= claim.records.count }
}
