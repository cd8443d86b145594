import SparrowCore
import SparrowPasses
import Testing

@Suite struct LayerNormRecognitionTests {
  /// How an exporter may spell layer normalisation.
  struct Spelling: Sendable {
    var power = false
    var reciprocal = false
    var gammaFirst = false
    var bias = true
    var axis: Int64 = -1
    var gammaShape = [4]
  }

  private func normalize(_ b: inout Builder, _ x: ValueID, _ how: Spelling) throws -> ValueID {
    let axes = b.integers([how.axis])
    let mean = try b.op(.reduce(Reduce(.mean)), x, axes, name: "mean")
    let c = try b.binary(.sub, x, mean, name: "c")
    let square =
      how.power
      ? try b.binary(.pow, c, b.scalar(2), name: "square")
      : try b.binary(.mul, c, c, name: "square")
    let variance = try b.op(.reduce(Reduce(.mean)), square, axes, name: "variance")
    let sum = try b.binary(.add, variance, b.scalar(0.25), name: "sum")
    let root = try b.unary(.sqrt, sum, name: "root")
    let z =
      how.reciprocal
      ? try b.binary(.mul, b.unary(.reciprocal, root, name: "inverse"), c, name: "z")
      : try b.binary(.div, c, root, name: "z")
    let gamma = b.weight("gamma", how.gammaShape)
    let scaled = try b.binary(
      .mul, how.gammaFirst ? gamma : z, how.gammaFirst ? z : gamma, name: "scaled")
    guard how.bias else { return scaled }
    return try b.binary(.add, scaled, b.weight("beta", [4]), name: "y")
  }

  @Test(arguments: [
    Spelling(), Spelling(power: true), Spelling(reciprocal: true), Spelling(gammaFirst: true),
    Spelling(axis: 2), Spelling(gammaShape: [1, 1, 4]),
  ])
  func recognizes(spelling: Spelling) throws {
    var b = Builder("g")
    let x = b.input("x", [.symbol("n"), .known(3), .known(4)])
    let y = try normalize(&b, x, spelling)
    let after = """
      graph g(%x: f32[n,3,4]) -> (%y)
        %y: f32[n,3,4] = LayerNormalization(%x, @gamma: f32[4], @beta: f32[4]) {epsilon=0.25}

      """
    try expect(
      LayerNormRecognition(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func withoutBias() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3, 4])
    let y = try normalize(&b, x, Spelling(bias: false))
    let after = """
      graph g(%x: f32[2,3,4]) -> (%scaled)
        %scaled: f32[2,3,4] = LayerNormalization(%x, @gamma: f32[4]) {epsilon=0.25}

      """
    try expect(
      LayerNormRecognition(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test(arguments: [Spelling(axis: 1), Spelling(gammaShape: [1]), Spelling(gammaShape: [3, 1])])
  func otherNormalizations(spelling: Spelling) throws {
    var b = Builder("g")
    let x = b.input("x", [2, 3, 4])
    let y = try normalize(&b, x, spelling)
    try expectUnchanged(LayerNormRecognition(), on: b.returning(y))
  }
}
