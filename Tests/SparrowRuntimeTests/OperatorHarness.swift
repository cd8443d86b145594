import SparrowCore
import SparrowRuntime
import SparrowTestSupport
import Testing

/// Runs one operator in every way the runtime has and demands the same bytes: inputs known
/// or constant, one worker or three.
func run(
  _ op: Op, _ inputs: [Tensor?], constant: Set<Int> = [], outputs count: Int = 1,
  sourceLocation: SourceLocation = #_sourceLocation
) throws -> [Tensor] {
  let expected = try Evaluator.evaluate(op, inputs: inputs, outputCount: count, label: op.name)
  for threads in [1, 3] {
    var graph = Graph()
    var ids: [ValueID?] = []
    var given: [Tensor] = []
    for (i, tensor) in inputs.enumerated() {
      guard let tensor else {
        ids.append(nil)
        continue
      }
      if constant.contains(i) {
        ids.append(graph.addConstant("x\(i)", tensor))
      } else {
        // A copy first, so that the operator may take over its input's memory.
        let input = graph.addInput("x\(i)", TensorType(tensor.dtype, shape: tensor.shape))
        let isMovable = tensor.dtype == .float32 && !tensor.shape.isEmpty
        ids.append(
          isMovable ? try graph.add(.unary(Unary(.neg)), [input], name: "minus\(i)") : input)
        if isMovable { ids[i] = try graph.add(.unary(Unary(.neg)), [ids[i]], name: "copy\(i)") }
        given.append(tensor)
      }
    }
    graph.outputs = try graph.add(
      op, ids, name: "node", outputs: (0..<count).map { "y\($0)" })
    let session = try Session(graph, options: SessionOptions(threads: threads))
    #expect(
      try session.run(given) == expected, "\(threads) threads", sourceLocation: sourceLocation)
  }
  return expected
}

/// A float32 tensor of random numbers in -1 ... 1 times `scale`.
func random(_ shape: [Int], seed: Int = 1, scale: Float = 1) -> Tensor {
  var generator = SeededGenerator(seed: UInt64(seed))
  return Tensor(generator.floats(shape.elementCount).map { $0 * scale }, shape: shape)
}

/// Distinct numbers in order.
func counting(_ shape: [Int]) -> Tensor {
  Tensor((0..<shape.elementCount).map { Float($0) }, shape: shape)
}

func integers(_ values: [Int]) -> Tensor { Tensor(values.map { Int64($0) }) }

/// float32 results follow float64 ones to this fraction of 1 + their magnitude.
let floatTolerance = 2e-6

/// Whether a float32 or float64 tensor holds `expected`, element by element.
func isClose(_ tensor: Tensor, _ expected: [Double], tolerance: Double = floatTolerance) -> Bool {
  let values: [Double] =
    tensor.dtype == .float64
    ? tensor.array(of: Double.self) : (tensor.floats ?? []).map { Double($0) }
  guard values.count == expected.count else { return false }
  return zip(values, expected).allSatisfy { value, wanted in
    if wanted.isNaN { return value.isNaN }
    return value == wanted || abs(value - wanted) <= tolerance * (1 + abs(wanted))
  }
}

/// The position in a tensor of `shape` that element `index` of the broadcast shape `target` shows.
func broadcastPosition(_ index: Int, target: [Int], shape: [Int]) -> Int {
  var (rest, position, stride) = (index, 0, 1)
  for axis in target.indices.reversed() {
    let coordinate = rest % target[axis]
    rest /= target[axis]
    let own = axis - (target.count - shape.count)
    guard own >= 0 else { continue }
    position += shape[own] == 1 ? 0 : coordinate * stride
    stride *= shape[own]
  }
  return position
}
