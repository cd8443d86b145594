import SparrowCompress
import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowTrain

struct BatchTests {
  @Test func everyEpochHasItsOwnOrder() {
    let batches = ShuffledBatches(samples: 103, size: 10, seed: 7)
    #expect(batches.perEpoch == 10)
    let orders = (0..<3).map { batches.order(epoch: $0) }
    for order in orders { #expect(order.sorted() == Array(0..<103)) }
    #expect(Set(orders).count == 3)
    #expect(ShuffledBatches(samples: 103, size: 10, seed: 7).order(epoch: 1) == orders[1])
    #expect(ShuffledBatches(samples: 103, size: 10, seed: 8).order(epoch: 1) != orders[1])
  }

  /// Every place is about as likely: 2,000 orders of 6, of which each number is first in a sixth.
  @Test func ordersAreEven() {
    var firsts = [Int](repeating: 0, count: 6)
    for epoch in 0..<2000 {
      firsts[ShuffledBatches(samples: 6, size: 1, seed: 1).order(epoch: epoch)[0]] += 1
    }
    // Five standard deviations of a binomial of 2,000 and 1/6.
    for count in firsts { #expect(abs(count - 333) < 84) }
  }

  @Test func changesOfImagesAreTheirDefinition() {
    let augmentation = Augmentation(crop: 2, flips: true, cutout: 3)
    let (channels, height, width) = (2, 5, 6)
    var random = SeededGenerator(seed: 5)
    let images = Small.normal(.float32, [40, channels, height, width], &random)
    let rows = (0..<40).map { 3 * $0 }
    let found = augmentation.apply(to: images, rows: rows, seed: 9, epoch: 4).doubles
    let source = images.doubles
    var moves = Set<Int>()
    for (n, sample) in rows.enumerated() {
      let choice = augmentation.choice(
        height: height, width: width, seed: 9, epoch: 4, sample: sample)
      moves.insert(choice.down * 10 + choice.right)
      for c in 0..<channels {
        for y in 0..<height {
          for x in 0..<width {
            var expected = 0.0
            let isCut =
              y >= choice.row - 1 && y < choice.row + 2 && x >= choice.column - 1
              && x < choice.column + 2
            let (fromY, fromX) = (
              y - choice.down, (choice.isMirrored ? width - 1 - x : x) - choice.right
            )
            if !isCut, fromY >= 0, fromY < height, fromX >= 0, fromX < width {
              expected = source[((n * channels + c) * height + fromY) * width + fromX]
            }
            #expect(found[((n * channels + c) * height + y) * width + x] == expected)
          }
        }
      }
    }
    #expect(moves.count > 10)
  }

  /// A plane in the mathematical sense stays one where a part of it is resized.
  @Test func partsAreResized() {
    let augmentation = Augmentation(area: 0.2, contrast: 0.5)
    let (height, width) = (8, 6)
    let image = Tensor(
      (0..<height * width).map { Float(100 * ($0 / width) + $0 % width) },
      shape: [1, 1, height, width])
    var areas: [Float] = []
    for sample in 0..<50 {
      let choice = augmentation.choice(
        height: height, width: width, seed: 3, epoch: 1, sample: sample)
      guard let part = choice.part else {
        Issue.record("nothing was cut out")
        continue
      }
      areas.append(part.height * part.width / Float(height * width))
      #expect(abs(choice.factor - 1) <= 0.5)
      #expect(part.top >= 0 && part.top + part.height <= Float(height) + 1e-4)
      #expect(part.left >= 0 && part.left + part.width <= Float(width) + 1e-4)
      let found = augmentation.apply(to: image, rows: [sample], seed: 3, epoch: 1)
        .array(of: Float.self)
      for y in 0..<height {
        for x in 0..<width {
          let row = part.top + (Float(y) + 0.5) * part.height / Float(height) - 0.5
          let column = part.left + (Float(x) + 0.5) * part.width / Float(width) - 0.5
          let value =
            100 * min(max(row, 0), Float(height - 1)) + min(max(column, 0), Float(width - 1))
          #expect(abs(found[y * width + x] - choice.factor * value) < 1e-2)
        }
      }
    }
    #expect((areas.min() ?? 1) < 0.4 && (areas.max() ?? 0) > 0.8)
  }

  /// A sample is changed in the same way whichever batch it is in.
  @Test func changesFollowTheSample() {
    let augmentation = Augmentation(crop: 1, flips: true)
    var random = SeededGenerator(seed: 6)
    let images = Small.normal(.float32, [4, 1, 3, 3], &random)
    let all = augmentation.apply(to: images, rows: [8, 3, 5, 1], seed: 2, epoch: 0)
    let one = augmentation.apply(to: images.samples([2]), rows: [5], seed: 2, epoch: 0)
    #expect(all.samples([2]) == one)
  }
}
