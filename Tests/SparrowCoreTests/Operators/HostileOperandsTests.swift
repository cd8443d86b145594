import SparrowCore
import SparrowTestSupport
import Testing

/// Reference implementations on operands and attributes that no exporter writes: they throw or compute,
/// and what they compute has the inferred types.
@Suite struct HostileOperandsTests {
  static let operators: [Op] =
    [
      .affineGrid(AffineGrid()), .centerCropPad(CenterCropPad()), .col2Im(Col2Im()),
      .compress(Compress()), .conv(Conv()), .convTranspose(ConvTranspose()),
      .deformConv(DeformConv()), .depthToSpace(DepthToSpace()), .gatherElements(GatherElements()),
      .globalLpPool(GlobalLpPool()), .globalPool(GlobalPool(.max)), .gridSample(GridSample()),
      .lpPool(LpPool()), .maxRoiPool(MaxRoiPool()), .maxUnpool(MaxUnpool()),
      .nonMaxSuppression(NonMaxSuppression()), .oneHot(OneHot()), .pool(Pool(.average)),
      .pool(Pool(.max)), .resize(Resize()), .reverseSequence(ReverseSequence()),
      .roiAlign(RoiAlign()), .scatterElements(ScatterElements()), .scatterND(ScatterND()),
      .spaceToDepth(SpaceToDepth()), .tensorScatter(TensorScatter()),
      .tfIdfVectorizer(TfIdfVectorizer()), .tile(Tile()), .topK(TopK()), .unique(Unique()),
      .argExtreme(ArgExtreme(isMax: true)), .batchNormalization(BatchNormalization()),
      .bernoulli(Bernoulli()), .bitCast(BitCast()), .bitShift(BitShift()), .cast(Cast()),
      .clip(Clip()), .cosineWindow(CosineWindow(.hann)), .cumulative(Cumulative(.sum)), .det(Det()),
      .dft(DFT()), .einsum(Einsum()), .einsum(Einsum("...ij,...jk")), .einsum(Einsum("a,a,b->b")),
      .eyeLike(EyeLike()), .gemm(Gemm()), .groupNormalization(GroupNormalization(groups: nil)),
      .groupNormalization(GroupNormalization(groups: 2)), .hardmax(Hardmax()),
      .identity(Identity(isDropout: true)), .identity(Identity()), .isInf(IsInf()),
      .layerNormalization(LayerNormalization()), .lpNormalization(LpNormalization()), .lrn(LRN()),
      .matMul(MatMul()), .meanVarianceNormalization(MeanVarianceNormalization()),
      .melWeightMatrix(MelWeightMatrix()), .mod(Mod()), .multinomial(Multinomial()),
      .negativeLogLikelihoodLoss(NegativeLogLikelihoodLoss()),
      .randomNumbers(RandomNumbers(.normal)),
      .range(RangeOf()), .rmsNormalization(RMSNormalization()), .sizeOf(SizeOf()),
      .softmax(Softmax()), .softmaxCrossEntropyLoss(SoftmaxCrossEntropyLoss()), .stft(STFT()),
      .where(Where()),
    ]
    + [.bitwiseNot, .exp, .not, .shrink].map { .unary(Unary($0)) }
    + [.add, .and, .bitwiseOr, .div, .less, .pow].map { .binary(Binary($0)) }
    + Reduce.Kind.allCases.map { .reduce(Reduce($0)) }

  @Test(arguments: operators) func neverTrap(_ plain: Op) throws {
    for seed in 0..<1000 {
      var chance = Chance(seed: UInt64(seed))
      var op = plain
      if chance.one(in: 2) { op.visitAttributes(&chance) }
      let operands = chance.operands(op.inputCount)
      let given = Operands(operands, outputCount: chance.one(in: 3) ? 2 : 1)
      guard let results = try? op.compute(given) else { continue }
      let types = try op.inferTypes(given.context)
      #expect(results.count == types.count, "\(op.name), seed \(seed)")
      for (tensor, type) in zip(results, types) {
        let made = TensorType(tensor.dtype, shape: tensor.shape)
        #expect(agrees(made, with: type), "\(op.name), seed \(seed): \(made.text), \(type.text)")
      }
    }
  }

  private func agrees(_ made: TensorType, with inferred: TensorType) -> Bool {
    guard made.dtype == inferred.dtype else { return false }
    guard let a = made.dimensions, let b = inferred.dimensions else { return true }
    return a.count == b.count && zip(a, b).allSatisfy { $1.value == nil || $0 == $1 }
  }
}

/// Random attributes and operands, extremes among them.
private struct Chance: AttributeVisitor {
  private var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func one(in n: Int) -> Bool { Int.random(in: 0..<n, using: &generator) == 0 }

  private mutating func integer() -> Int {
    if one(in: 12) {
      return [Int.min, .max, -1 << 32, 1 << 32, 1 << 62].randomElement(using: &generator) ?? 0
    }
    return Int.random(in: -2...4, using: &generator)
  }

  private mutating func number() -> Double {
    if one(in: 12) {
      return [.nan, .infinity, -.infinity, 1e300, -1e30, 1e-30].randomElement(using: &generator)
        ?? 0
    }
    return Double(Int.random(in: -8...16, using: &generator)) / 4
  }

  private mutating func integers() -> [Int] {
    (0..<Int.random(in: 0...4, using: &generator)).map { _ in integer() }
  }

  /// Shapes that go together often enough.
  mutating func operands(_ count: ClosedRange<Int>) -> [Tensor?] {
    let base = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
      Int.random(in: one(in: 5) ? 0...2 : 1...4, using: &generator)
    }
    let wanted = Int.random(
      in: count.lowerBound...min(count.upperBound, count.lowerBound + 3), using: &generator)
    return (0..<wanted).map { _ in one(in: 10) ? nil : operand(base) }
  }

  private mutating func operand(_ base: [Int]) -> Tensor {
    var shape = base
    switch Int.random(in: 0..<8, using: &generator) {
    case 0..<3: break
    case 3: shape = [base.count]
    case 4: shape = base.map { min($0, 1 + Int.random(in: 0...3, using: &generator)) }
    case 5: shape = [Int.random(in: 0...2 * base.count, using: &generator)]
    case 6: shape += [Int.random(in: 0...5, using: &generator)]
    default: if !shape.isEmpty { shape[shape.count - 1] = Int.random(in: 1...5, using: &generator) }
    }
    let dtype = DType.allCases.randomElement(using: &generator) ?? .float32
    if one(in: 2) || !dtype.isFloatingPoint {
      let isWide = one(in: 2)
      return Tensor(
        isWide ? .int64 : dtype, shape, integers: (0..<shape.elementCount).map { _ in integer() })
    }
    return Tensor(dtype, shape, doubles: (0..<shape.elementCount).map { _ in number() })
  }

  mutating func visit(_ key: StaticString, _ value: inout Int) throws(Never) { value = integer() }
  mutating func visit(_ key: StaticString, _ value: inout Float) throws(Never) {
    value = Float(number())
  }
  mutating func visit(_ key: StaticString, _ value: inout Bool) throws(Never) {
    value = one(in: 2)
  }
  mutating func visit(_ key: StaticString, _ value: inout [Int]) throws(Never) {
    value = integers()
  }
  mutating func visit(_ key: StaticString, _ value: inout [Int]?) throws(Never) {
    value = one(in: 3) ? nil : integers()
  }
  mutating func visit(_ key: StaticString, _ value: inout Int?) throws(Never) {
    value = one(in: 3) ? nil : integer()
  }
  mutating func visit(_ key: StaticString, _ value: inout DType) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout Scalar) throws(Never) {}
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout C) throws(Never) {
    value = Array(C.allCases).randomElement(using: &generator) ?? value
  }
  mutating func visit(_ key: StaticString, _ value: inout Float?) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout [Float]) throws(Never) {
    value = integers().map { Float($0) }
  }
  mutating func visit(_ key: StaticString, _ value: inout String) throws(Never) {}
  mutating func visit<C: AttributeChoice>(_ key: StaticString, _ value: inout [C]) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout NumberList?) throws(Never) {
    value = one(in: 3) ? nil : NumberList(.float32, integers().map { Double($0) })
  }
  mutating func visit(_ key: StaticString, _ value: inout Activation) throws(Never) {}
  mutating func visit(_ key: StaticString, _ value: inout Subgraph) throws(Never) {}
}
