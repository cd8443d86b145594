import SparrowCore
import SparrowRuntime
import Testing

/// Steps that move elements, against the operators' reference implementations.
@Suite struct OperatorsScatterTests {
  /// Random indices from -length to length - 1.
  private func indices(_ shape: [Int], below length: Int, seed: Int) -> [Int] {
    (random(shape, seed: seed).floats ?? []).map {
      min(max(Int(($0 * Float(length)).rounded(.down)), -length), length - 1)
    }
  }

  private func data(_ dtype: DType, _ shape: [Int]) -> Tensor {
    Tensor(dtype, shape, words: (0..<shape.elementCount).map { UInt64($0 % 251) })
  }

  @Test(
    arguments: [DType.uint8, .float16, .int32, .float64], [0, 1, -1])
  func elementsMatchTheReference(dtype: DType, axis: Int) throws {
    let (shape, small) = ([5, 6, 7], [4, 3, 7])
    let length = shape[axis < 0 ? axis + 3 : axis]
    let x = data(dtype, shape)
    for indexType in [DType.int32, .int64] {
      let index = Tensor(
        indexType, small, integers: indices(small, below: length, seed: axis + 5))
      let gather = GatherElements(axis: axis)
      let gathered = try gather.compute(Operands([x, index]))
      #expect(try run(.gatherElements(gather), [x, index]) == gathered)
      var scatter = ScatterElements()
      scatter.axis = axis
      let updates = data(dtype, small)
      let scattered = try scatter.compute(Operands([x, index, updates]))
      #expect(try run(.scatterElements(scatter), [x, index, updates]) == scattered)
      scatter.reduction = .max
      let largest = try scatter.compute(Operands([x, index, updates]))
      #expect(try run(.scatterElements(scatter), [x, index, updates]) == largest)
    }
  }

  @Test(arguments: [1, 2, 3])
  func slicesMatchTheReference(depth: Int) throws {
    let x = random([4, 4, 3])
    let vectors = Tensor(
      .int64, [2, 3, depth], integers: indices([2, 3, depth], below: 3, seed: depth))
    let updates = random([2, 3] + [4, 4, 3][depth...], seed: 9)
    let expected = try ScatterND().compute(Operands([x, vectors, updates]))
    #expect(try run(.scatterND(ScatterND()), [x, vectors, updates]) == expected)
  }

  @Test func dataThatIsAlsoTheUpdateIsReadBeforeItIsWritten() throws {
    let x = counting([4])
    var graph = Graph()
    let given = graph.addInput("x", TensorType(.float32, shape: [4]))
    let copy = try graph.add(.unary(Unary(.neg)), [given], name: "copy")
    let order = graph.addConstant("order", integers([3, 2, 1, 0]))
    graph.outputs = [
      try graph.add(.scatterElements(ScatterElements()), [copy, order, copy], name: "y")
    ]
    #expect(try Session(graph).run([x]) == [Tensor([Float(-3), -2, -1, -0.0])])
  }

  @Test func indicesOutOfRangeEndTheRun() {
    let x = counting([4])
    let outside = integers([4])
    #expect(throws: RuntimeError.self) {
      _ = try run(.gatherElements(GatherElements()), [x, outside])
    }
    #expect(throws: RuntimeError.self) {
      _ = try run(.scatterElements(ScatterElements()), [x, outside, counting([1])])
    }
  }

  @Test(arguments: [DType.uint8, .bfloat16, .float32, .int64])
  func rearrangementsMatchTheReference(dtype: DType) throws {
    let x = data(dtype, [2, 8, 6, 4])
    for mode in DepthOrder.allCases {
      var op = DepthToSpace(blockSize: 2)
      op.mode = mode
      #expect(try run(.depthToSpace(op), [x]) == op.compute(Operands([x])))
    }
    let op = SpaceToDepth(blockSize: 2)
    #expect(try run(.spaceToDepth(op), [x]) == op.compute(Operands([x])))
    for repeats in [[1, 2, 1, 3], [2, 1, 0, 1], [1, 1, 1, 1], [3, 2, 2, 2]] {
      let operands = [x, integers(repeats)]
      #expect(
        try run(.tile(Tile()), operands, constant: [1]) == Tile().compute(Operands(operands)))
    }
  }
}
