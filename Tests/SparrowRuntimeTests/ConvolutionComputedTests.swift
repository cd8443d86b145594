import SparrowCore
import SparrowTestSupport
import Testing

@testable import SparrowRuntime

/// Convolutions whose weight is computed, or that have one or three dimensions, against the operators'
/// reference implementations.
@Suite struct ConvolutionComputedTests {
  @Test(arguments: ConvolutionTests.shapes.indices)
  func computedWeightsEqualTheReference(_ index: Int) throws {
    let c = ConvolutionTests.shapes[index]
    let x = random([c.batch, c.inputs, c.height, c.width], seed: index)
    let w = random(c.weightShape, seed: index + 50)
    let bias = random([c.outputs], seed: index + 100)
    let expected = Reference.convolve(c, x.floats ?? [], w.floats ?? [], bias.floats ?? [])
    let y = try session(.conv(c.op), [x, w, bias])
    #expect(difference(y.array(of: Float.self), expected) < sumTolerance)
  }

  /// The output with every operand computed, the same for any number of workers.
  private func session(_ op: Op, _ operands: [Tensor], constant: Set<Int> = []) throws -> Tensor {
    var results: [Tensor] = []
    for threads in [1, 3] {
      var graph = Graph()
      var given: [Tensor] = []
      let ids = operands.enumerated().map { i, tensor in
        if constant.contains(i) { return graph.addConstant("x\(i)", tensor) }
        given.append(tensor)
        return graph.addInput("x\(i)", TensorType(tensor.dtype, shape: tensor.shape))
      }
      graph.outputs = [try graph.add(op, ids, name: "y")]
      let session = try Session(graph, options: SessionOptions(threads: threads))
      results += try session.run(given)
    }
    #expect(results[0] == results[1])
    return results[0]
  }

  private static let spatial = [[19], [7, 9], [5, 6, 7]]

  /// A window of one length an axis, all different.
  private func window(_ rank: Int) -> Window {
    let kernel = Array([2, 3, 3].suffix(rank))
    return Window(
      kernel: kernel, strides: Array([1, 2, 1].suffix(rank)),
      pads: Array([1, 0, 2].suffix(rank)) + Array([0, 1, 1].suffix(rank)),
      dilations: Array([1, 1, 2].suffix(rank)))
  }

  @Test(arguments: spatial, [DType.float32, .float64, .float16])
  func anyNumberOfDimensions(_ spatial: [Int], _ dtype: DType) throws {
    let tolerance = dtype == .float16 ? 2e-2 : 1e-5
    let window = window(spatial.count)
    func tensor(_ shape: [Int], _ seed: Int) -> Tensor {
      Tensor(dtype, shape, doubles: random(shape, seed: seed).doubles)
    }
    let (x, bias) = (tensor([2, 6] + spatial, 1), tensor([4], 3))
    let conv = Conv(window: window, group: 2, activation: .relu)
    let w = tensor([4, 3] + (window.kernel ?? []), 2)
    let transposed = ConvTranspose(window: window, group: 2, activation: .hardSwish)
    let v = tensor([6, 2] + (window.kernel ?? []), 4)
    for constant in [[], [1]] as [Set<Int>] {
      let y = try session(.conv(conv), [x, w, bias], constant: constant)
      let expected = try conv.compute(Operands([x, w, bias]))[0]
      #expect(y.shape == expected.shape)
      #expect(isNear(y, expected, tolerance))
      let z = try session(.convTranspose(transposed), [x, v, bias], constant: constant)
      let wanted = try transposed.compute(Operands([x, v, bias]))[0]
      #expect(z.shape == wanted.shape)
      #expect(isNear(z, wanted, tolerance))
    }
  }

  private func isNear(_ a: Tensor, _ b: Tensor, _ tolerance: Double) -> Bool {
    zip(a.doubles, b.doubles).allSatisfy { abs($0 - $1) <= tolerance * (1 + abs($1)) }
  }

  @Test(arguments: [DType.float32, .float64, .uint8, .int8], [false, true])
  func poolingEqualsTheReference(_ dtype: DType, _ ceilMode: Bool) throws {
    for spatial in Self.spatial {
      let x = Tensor(
        dtype, [2, 3] + spatial,
        doubles: random([2, 3] + spatial, seed: 7, scale: 100).doubles.map { abs($0) })
      for kind in [Pool.Kind.max, .average] where kind == .max || dtype.isFloatingPoint {
        var op = Pool(kind, window: window(spatial.count))
        op.window.pads = nil
        op.window.dilations = nil
        (op.ceilMode, op.countsPadding) = (ceilMode, true)
        let expected = try op.compute(Operands([x]))[0]
        #expect(isNear(try run(.pool(op), [x])[0], expected, 1e-5))
        guard kind == .max else { continue }
        let both = try run(.pool(op), [x], outputs: 2)
        #expect(both == (try op.compute(Operands([x], outputCount: 2))))
      }
    }
  }

  @Test(
    arguments: Resize.Coordinates.allCases, Resize.Mode.allCases)
  func resizingEqualsTheReference(_ coordinates: Resize.Coordinates, _ mode: Resize.Mode) throws {
    var op = Resize()
    (op.coordinates, op.mode, op.axes) = (coordinates, mode, [2, 1])
    let x = random([2, 7, 6, 3])
    let region: Tensor? =
      coordinates == .cropAndResize ? Tensor([Float(0.1), 0.2, 0.7, 1.3]) : nil
    for antialiases in [false, true] where mode != .nearest || !antialiases {
      op.antialiases = antialiases
      for scales in [[0.5, 1.7], [2, 0.4]] as [[Float]] {
        let operands = [x, region, Tensor(scales)]
        let expected = try op.compute(Operands(operands))[0]
        let y = try run(.resize(op), operands, constant: [1, 2])[0]
        #expect(y.shape == expected.shape)
        #expect(isNear(y, expected, 1e-5))
      }
    }
  }
}
