import SparrowCore

/// Rectangles of neighbouring outputs x inputs at one position, kept or dropped as a whole.
///
/// Units are ordered as ``Blocks`` orders them. A block's score is the mean |score| of its weights
/// inside the tensor: for whole blocks that orders as their L1 norm does, and blocks cut off by the
/// tensor's edge are not taken for weak ones.
public struct BlockPattern: Pattern {
  public let shape: BlockShape

  public init(_ shape: BlockShape) { self.shape = shape }

  public var name: String { shape.name }
  public var blockShape: BlockShape? { shape }

  public func units(of scores: Scores, view: WeightView) -> UnitScores {
    let map = BlockMap(view, shape)
    var sums = [Float](repeating: 0, count: map.count)
    var sizes = [Int32](repeating: 0, count: map.count)
    sums.withUnsafeMutableBufferPointer { sums in
      sizes.withUnsafeMutableBufferPointer { sizes in
        scores.withKeys { keys in
          map.forEach { element, block in
            sums[block] += Float(bitPattern: keys[element])
            sizes[block] += 1
          }
        }
        for block in sums.indices { sums[block] /= Float(sizes[block]) }
      }
    }
    return UnitScores(scores: Scores(sums), sizes: sizes)
  }

  public func mask(
    _ units: UnitScores, view: WeightView, dropping dropCount: Int
  ) -> WeightMask {
    let cut = LowestSelection.cut(units, dropping: dropCount)
    var ties = cut.ties
    let keeps = units.scores.withKeys { keys in
      (0..<units.count).map { block in
        if keys[block] != cut.threshold { return keys[block] > cut.threshold }
        ties -= 1
        return ties < 0
      }
    }
    let count = view.count
    let bits = Bytes(count: (count + 7) / 8) { target in
      for i in target.indices { target[i] = 0 }
      BlockMap(view, shape).forEach { element, block in
        if keeps[block] { target[element >> 3] |= 1 << UInt8(element & 7) }
      }
    }
    return WeightMask(bits: bits, count: count)
  }
}

/// Which block each element of a weight belongs to.
struct BlockMap {
  /// The number of blocks.
  let count: Int
  /// Outputs, inputs and positions, largest stride first (the longest axis last among equals), so that elements are met in memory order:
  /// where each step along the axis leads in the weight, and what it adds to the block's index.
  private let axes: [(stride: Int, blocks: [Int])]

  init(_ view: WeightView, _ shape: BlockShape) {
    let inputBlocks = (view.inputs + shape.inputs - 1) / shape.inputs
    let outputBlocks = (view.outputs + shape.outputs - 1) / shape.outputs
    let perOutputBlock = inputBlocks * view.positions
    count = outputBlocks * perOutputBlock
    let outputs = (0..<view.outputs).map { $0 / shape.outputs * perOutputBlock }
    let inputs = (0..<view.inputs).map { $0 / shape.inputs * view.positions }
    axes = [
      (view.outputStride, outputs), (view.inputStride, inputs),
      (view.positionStride, Array(0..<view.positions)),
    ].sorted { ($0.stride, -$0.blocks.count) > ($1.stride, -$1.blocks.count) }
  }

  @inline(__always)
  func forEach(_ body: (_ element: Int, _ block: Int) -> Void) {
    let inner = axes[2]
    inner.blocks.withUnsafeBufferPointer { blocks in
      for (i, first) in axes[0].blocks.enumerated() {
        for (j, second) in axes[1].blocks.enumerated() {
          let start = i * axes[0].stride + j * axes[1].stride
          for k in blocks.indices { body(start + k * inner.stride, first + second + blocks[k]) }
        }
      }
    }
  }
}
