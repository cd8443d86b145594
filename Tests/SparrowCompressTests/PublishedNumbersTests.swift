import SparrowCompress
import SparrowCore
import Testing

/// Figures that follow from ResNet-50's layer shapes alone (He et al., 2016; 224 x 224 images).
struct PublishedNumbersTests {
  struct ShapedLayer {
    var shape: [Int]
    /// Output height times width.
    var positions: Int
    var count: Int { shape.reduce(1, *) }
    var multiplyAdds: Int { count * positions }
  }

  /// Every convolution and the classifier, in order; the strides are in the 3x3 convolutions.
  static let resNet50: [ShapedLayer] = {
    var layers = [ShapedLayer(shape: [64, 3, 7, 7], positions: 112 * 112)]
    var (inputs, size) = (64, 56)
    for (stage, blocks) in [3, 4, 6, 3].enumerated() {
      let width = 64 << stage
      for block in 0..<blocks {
        let outputSize = stage > 0 && block == 0 ? size / 2 : size
        let (before, after) = (size * size, outputSize * outputSize)
        layers.append(ShapedLayer(shape: [width, inputs, 1, 1], positions: before))
        layers.append(ShapedLayer(shape: [width, width, 3, 3], positions: after))
        layers.append(ShapedLayer(shape: [4 * width, width, 1, 1], positions: after))
        if block == 0 {
          layers.append(ShapedLayer(shape: [4 * width, inputs, 1, 1], positions: after))
        }
        (inputs, size) = (4 * width, outputSize)
      }
    }
    return layers + [ShapedLayer(shape: [1000, 2048], positions: 1)]
  }()

  /// The weights kept in each layer; the tensors are all zero and take no values.
  private func kept(
    _ layers: [ShapedLayer], _ allocation: any Allocation, sparsity: Double
  ) throws -> [Int] {
    let scored = try layers.enumerated().map { i, layer -> ScoredLayer in
      let bits = Bytes(copying: [UInt8](repeating: 0, count: (layer.count + 7) / 8))
      let mask = try Bitmask(
        bits: bits, values: Bytes(copying: [UInt8]()), dtype: .float32, count: layer.count)
      let use = WeightUse(
        value: ValueID(i), node: i, kind: .convolution, view: .outputsFirst(layer.shape))
      let weight = Tensor(dtype: .float32, shape: layer.shape, storage: .bitmask(mask))
      return ScoredLayer(
        layer: Layer(
          name: "\(i)", node: "\(i)", use: use, weight: weight, isFirst: i == 0,
          isLast: i == layers.count - 1),
        units: UnitScores(scores: Scores([Float]())))
    }
    let dropped = try allocation.dropCounts(scored, sparsity: sparsity)
    return zip(layers, dropped).map { $0.count - $1 }
  }

  private func workFraction(_ kept: [Int]) -> Double {
    let sparse = zip(Self.resNet50, kept).reduce(0) { $0 + $1.0.positions * $1.1 }
    return Double(sparse) / Double(Self.resNet50.reduce(0) { $0 + $1.multiplyAdds })
  }

  /// The figures are published with three decimals.
  static let publishedRounding = 0.0005

  @Test func layersAreThePublishedOnes() {
    #expect(Self.resNet50.count == 54)
    #expect(Self.resNet50.reduce(0) { $0 + $1.count } == 25_502_912)
    let work = Double(Self.resNet50.reduce(0) { $0 + $1.multiplyAdds }) / 1e9
    #expect(abs(work - 4.0892) < 0.00005)
  }

  @Test(arguments: [(0.8, 0.414), (0.9, 0.242), (0.95, 0.122)])
  func workUnderERK(sparsity: Double, fraction: Double) throws {
    let kept = try kept(Self.resNet50, ERKAllocation(), sparsity: sparsity)
    #expect(abs(workFraction(kept) - fraction) <= Self.publishedRounding)
  }

  @Test(arguments: [(0.8, 0.223), (0.9, 0.126), (0.95, 0.077)])
  func workUnderUniformWithDenseFirstLayer(sparsity: Double, fraction: Double) throws {
    let rest = Array(Self.resNet50.dropFirst())
    let kept = try kept(rest, UniformAllocation(), sparsity: sparsity)
    let work = workFraction([Self.resNet50[0].count] + kept)
    #expect(abs(work - fraction) <= Self.publishedRounding)
  }

  /// A bitmask takes 4 bytes a nonzero and a bit a weight: 13.389 MB, 13.499 MB with the 27,560
  /// biases that folding batch normalisation leaves.
  @Test func bitmaskBytesUnderERK() throws {
    let nonzeros = try kept(Self.resNet50, ERKAllocation(), sparsity: 0.9).reduce(0, +)
    let bytes = 4 * nonzeros + Self.resNet50.reduce(0) { $0 + ($1.count + 7) / 8 }
    #expect(abs(Double(bytes) / 1e6 - 13.389) <= Self.publishedRounding)
    #expect(abs(Double(bytes + 27_560 * 4) / 1e6 - 13.499) <= Self.publishedRounding)
  }

  @Test func uniformPlusSparesTheEnds() throws {
    let kept = try kept(Self.resNet50, UniformPlusAllocation(), sparsity: 0.9)
    #expect(kept.first == Self.resNet50.first?.count)
    #expect(kept.last == 2_048_000 / 5)
    #expect(kept.reduce(0, +) == 25_502_912 - 22_952_621)
    let middle = zip(Self.resNet50, kept).dropFirst().dropLast()
      .map { Double($1) / Double($0.count) }
    #expect((middle.max() ?? 0) - (middle.min() ?? 0) < 0.001)
  }

  @Test func uniformPlusRefusesWhatItCannotReach() throws {
    #expect(throws: CompressError.self) {
      try kept(Self.resNet50, UniformPlusAllocation(), sparsity: 0.99)
    }
  }
}
