import SparrowCore
import SparrowPasses
import SparrowTestSupport
import Testing

@Suite struct BatchNormFoldingTests {
  private func normalize(
    _ b: inout Builder, _ x: ValueID, channels: Int, name: String
  ) throws -> ValueID {
    let scale = b.weight(name + ".scale", [channels])
    let bias = b.weight(name + ".bias", [channels])
    let mean = b.weight(name + ".mean", [channels])
    let variance = b.weight(name + ".variance", [channels], in: 0.5...2)
    return try b.op(
      .batchNormalization(BatchNormalization()), x, scale, bias, mean, variance, name: name)
  }

  @Test func intoConvolution() throws {
    for (group, hasBias) in [(1, false), (1, true), (2, false), (4, true)] {
      var b = Builder("g")
      let x = b.input("x", [2, 4, 5, 5])
      let w = b.weight("w", [8, 4 / group, 3, 3])
      let bias = hasBias ? b.weight("c.bias", [8]) : nil
      let c = try b.op(convolution(group: group), x, w, bias, name: "c")
      let y = try normalize(&b, c, channels: 8, name: "y")
      let groups = group == 1 ? "" : ", group=\(group)"
      let after = """
        graph g(%x: f32[2,4,5,5]) -> (%y)
          %y: f32[2,8,5,5] = Conv(%x, @w: f32[8,\(4 / group),3,3], @c.bias: f32[8]) \
        {pads=[1,1,1,1]\(groups)}

        """
      try expect(
        BatchNormFolding(), on: b.returning(y), gives: after, within: Tolerance.rounding)
    }
  }

  @Test(arguments: [1, 2]) func intoTransposedConvolution(group: Int) throws {
    var b = Builder("g")
    let x = b.input("x", [1, 4, 5, 5])
    let w = b.weight("w", [4, 3, 2, 2])
    let op = ConvTranspose(window: Window(strides: [2, 2]), group: group)
    let c = try b.op(.convTranspose(op), x, w, name: "c")
    let y = try normalize(&b, c, channels: 3 * group, name: "y")
    let groups = group == 1 ? "" : ", group=2"
    let after = """
      graph g(%x: f32[1,4,5,5]) -> (%y)
        %y: f32[1,\(3 * group),10,10] = ConvTranspose(%x, @w: f32[4,3,2,2], \
      @c.bias: f32[\(3 * group)]) {strides=[2,2]\(groups)}

      """
    try expect(BatchNormFolding(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test(arguments: [false, true]) func intoGemm(transposed: Bool) throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let w = b.weight("w", transposed ? [6, 4] : [4, 6])
    let bias = b.weight("bias", [1, 6])
    let gemm = Gemm(alpha: 2, beta: 3, transposesB: transposed)
    let c = try b.op(.gemm(gemm), x, w, bias, name: "c")
    let y = try normalize(&b, c, channels: 6, name: "y")
    let (shape, flag) = transposed ? ("6,4", ", transB=true") : ("4,6", "")
    let after = """
      graph g(%x: f32[2,4]) -> (%y)
        %y: f32[2,6] = Gemm(%x, @w: f32[\(shape)], @bias: f32[6]) {alpha=2.0\(flag)}

      """
    try expect(BatchNormFolding(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func intoMatrixProduct() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4])
    let c = try b.op(.matMul(MatMul()), x, b.weight("w", [4, 6]), name: "c")
    let y = try normalize(&b, c, channels: 6, name: "y")
    let after = """
      graph g(%x: f32[2,4]) -> (%y)
        %y: f32[2,6] = MatMul(%x, @w: f32[4,6], @c.bias: f32[6])

      """
    try expect(BatchNormFolding(), on: b.returning(y), gives: after, within: Tolerance.rounding)
  }

  @Test func notWhereChannelsAreNotTheOutputs() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 6, 4])
    let c = try b.op(.matMul(MatMul()), x, b.weight("w", [4, 6]), name: "c")
    let y = try normalize(&b, c, channels: 6, name: "y")
    try expectUnchanged(BatchNormFolding(), on: b.returning(y))
  }

  @Test func notWhereOthersReadTheConvolution() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let c = try b.op(convolution(), x, b.weight("w", [4, 4, 3, 3]), name: "c")
    let y = try normalize(&b, c, channels: 4, name: "y")
    let z = try b.unary(.exp, c, name: "z")
    try expectUnchanged(BatchNormFolding(), on: b.returning(y, z))
    try expectUnchanged(BatchNormFolding(), on: b.returning(y, c))
  }

  @Test func notAfterAnActivation() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let c = try b.op(
      convolution(activation: .relu), x, b.weight("w", [4, 4, 3, 3]), name: "c")
    let y = try normalize(&b, c, channels: 4, name: "y")
    try expectUnchanged(BatchNormFolding(), on: b.returning(y))
  }

  @Test func notWithVarianceBelowZero() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 1, 5, 5])
    let c = try b.op(convolution(), x, b.weight("w", [1, 1, 3, 3]), name: "c")
    let parameter = b.weight("p", [1])
    let variance = b.scalar(-1, shape: [1])
    let y = try b.op(
      .batchNormalization(BatchNormalization()), c, parameter, parameter, parameter, variance,
      name: "y")
    try expectUnchanged(BatchNormFolding(), on: b.returning(y))
  }

  @Test func sharedWeightGetsACopy() throws {
    var b = Builder("g")
    let x = b.input("x", [2, 4, 5, 5])
    let w = b.weight("w", [4, 4, 3, 3])
    let c = try b.op(convolution(), x, w, name: "c")
    let y = try normalize(&b, c, channels: 4, name: "y")
    let d = try b.op(convolution(), y, w, name: "d")
    let after = """
      graph g(%x: f32[2,4,5,5]) -> (%d)
        %y: f32[2,4,5,5] = Conv(%x, @w_1: f32[4,4,3,3], @c.bias: f32[4]) {pads=[1,1,1,1]}
        %d: f32[2,4,5,5] = Conv(%y, @w: f32[4,4,3,3]) {pads=[1,1,1,1]}

      """
    try expect(BatchNormFolding(), on: b.returning(d), gives: after, within: Tolerance.rounding)
  }

  /// With that many of 8 inputs kept.
  @Test(
    arguments: [
      ("dense", 4, "dense"), ("dense", 3, "bitmask"), ("bitmask", 4, "bitmask"),
      ("compressed rows", 4, "compressed rows"), ("blocks 1x4", 4, "blocks 1x4"),
    ])
  func keepsZerosAndStorage(kind: String, kept: Int, expected: String) throws {
    var random = SeededGenerator(seed: 3)
    let shape = [8, 8, 3, 3]
    var values = random.tensor(shape).array(of: Float.self)
    for i in values.indices where !(i / 9 % 8 < kept) { values[i] = 0 }
    let dense = Tensor(values, shape: shape)
    let bytes = try #require(dense.denseBytes)
    let rows = try #require(CompressedRows(encoding: bytes, dtype: .float32, shape: shape))
    let storage: Storage =
      switch kind {
      case "bitmask": .bitmask(Bitmask(encoding: bytes, dtype: .float32))
      case "compressed rows": .compressedRows(rows)
      case "blocks 1x4":
        .blocks(
          Blocks(
            encoding: bytes, dtype: .float32, view: .outputsFirst(shape), outputs: 1, inputs: 4))
      default: dense.storage
      }
    var b = Builder("g")
    let x = b.input("x", [1, 8, 4, 4])
    let w = b.graph.addConstant("w", Tensor(dtype: .float32, shape: shape, storage: storage))
    let c = try b.op(convolution(), x, w, name: "c")
    let y = try normalize(&b, c, channels: 8, name: "y")
    var graph = b.returning(y)
    #expect(try BatchNormFolding().run(&graph) == 1)
    let weight = try #require(graph.nodes[0].input(1))
    let folded = try #require(graph[weight].constant)
    #expect(folded.storage.name == expected)
    let found = folded.array(of: Float.self)
    #expect(zip(values, found).allSatisfy { ($0 == 0) == ($1 == 0) })
    try expectEqualOutputs(b.returning(y), graph, within: Tolerance.rounding)
  }
}
