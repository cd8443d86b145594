import SparrowCore

extension GatherElements {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (data, indices) = (try p.input(0), try p.input(1))
    let walk = try ElementWalk(p, axis: axis, data: data.shape, indices: indices)
    let visitor = ElementGather(
      walk: walk, data: p.slot(data), indices: p.slot(indices), to: p.slot(p.outputs[0]),
      chunks: Chunks(indices.count, tasks: p.tasks(work: indices.count * 4, limit: 32)))
    return data.dtype.acceptWord(visitor)
  }
}

extension ScatterElements {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (data, indices, updates) = (try p.input(0), try p.input(1), try p.input(2))
    guard reduction == .none, data.dtype == updates.dtype, indices.count > 0 else {
      return p.referenceStep(.scatterElements(self))
    }
    let walk = try ElementWalk(p, axis: axis, data: data.shape, indices: indices)
    let visitor = ElementScatter(
      walk: walk, indices: p.slot(indices), updates: p.slot(updates), to: p.slot(p.outputs[0]),
      count: indices.count)
    let copying = try p.copyStep()
    return Step(
      inSequence: [copying, data.dtype.acceptWord(visitor)], kernel: "scatter_elements",
      inPlaceInput: p.mayOverwriteData)
  }
}

extension ScatterND {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (data, indices, updates) = (try p.input(0), try p.input(1), try p.input(2))
    guard reduction == .none, data.dtype == updates.dtype, let depth = indices.shape.last,
      (1...max(1, data.shape.count)).contains(depth), indices.count > 0
    else { return p.referenceStep(.scatterND(self)) }
    let visitor = SliceScatter(
      reader: try IndexReader(p, indices), indices: p.slot(indices), updates: p.slot(updates),
      to: p.slot(p.outputs[0]), count: indices.count / depth, depth: depth,
      slice: data.shape[depth...].reduce(1, *), lengths: LookupTable(data.shape))
    let copying = try p.copyStep()
    return Step(
      inSequence: [copying, data.dtype.acceptWord(visitor)], kernel: "scatter_nd",
      inPlaceInput: p.mayOverwriteData)
  }
}

extension Preparation {
  /// Input 0, unless it is read again while elements of the output are written.
  fileprivate var mayOverwriteData: Int? {
    inputs.dropFirst().contains { $0?.value == inputs[0]?.value } ? nil : 0
  }
}

/// Where the elements that indices along an axis name are: each index stands for the element at its own
/// coordinates, except along the axis.
private struct ElementWalk {
  let reader: IndexReader
  /// Length and stride of the axis in the data.
  private let length: Int
  private let stride: Int
  private let rank: Int
  /// The indices' lengths, last axis first, and what each of these axes moves in the data.
  private let table: LookupTable<Int>

  init(
    _ p: Preparation, axis given: Int, data: [Int], indices: Preparation.Operand
  ) throws(RuntimeError) {
    let axis = given < 0 ? given + data.count : given
    guard data.indices.contains(axis), data.count == indices.shape.count else {
      throw p.unsupported("axis \(given) with data of rank \(data.count)")
    }
    for i in data.indices where i != axis && indices.shape[i] > data[i] {
      throw p.unsupported(
        "the indices' axis \(i) has length \(indices.shape[i]), data's is only \(data[i])")
    }
    reader = try IndexReader(p, indices)
    let strides = data.rowMajorStrides
    (length, stride, rank) = (data[axis], strides[axis], data.count)
    table = LookupTable(
      data.indices.reversed().flatMap { [indices.shape[$0], $0 == axis ? 0 : strides[$0]] })
  }

  /// The position of the element that index `i` names; nil when it lies outside the axis.
  @inline(__always)
  func position(_ i: Int, _ indices: UnsafeMutableRawPointer) -> Int? {
    guard let index = reader.position(i, in: length, indices) else { return nil }
    var rest = i
    var position = index * stride
    for k in 0..<rank {
      let (quotient, coordinate) = rest.quotientAndRemainder(dividingBy: table[2 * k])
      position += coordinate * table[2 * k + 1]
      rest = quotient
    }
    return position
  }
}

private struct ElementGather: WordVisitor {
  let walk: ElementWalk
  let data: Slot
  let indices: Slot
  let to: Slot
  let chunks: Chunks

  func visit<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Step {
    let gather = self
    return Step(tasks: chunks.tasks, kernel: "gather_elements") { work in
      let (x, y) = (work.pointer(gather.data, as: T.self), work.pointer(gather.to, as: T.self))
      let indices = work.raw(gather.indices)
      for i in gather.chunks.range(work.task) {
        if let position = gather.walk.position(i, indices) {
          y[i] = x[position]
        } else {
          y[i] = 0
          work.fail(.indexOutOfRange)
        }
      }
    }
  }
}

/// One task: where two indices are equal the last update wins.
private struct ElementScatter: WordVisitor {
  let walk: ElementWalk
  let indices: Slot
  let updates: Slot
  let to: Slot
  let count: Int

  func visit<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Step {
    let scatter = self
    return Step(kernel: "scatter_elements") { work in
      let (updates, y) = (
        work.pointer(scatter.updates, as: T.self), work.pointer(scatter.to, as: T.self)
      )
      let indices = work.raw(scatter.indices)
      for i in 0..<scatter.count {
        guard let position = scatter.walk.position(i, indices) else {
          work.fail(.indexOutOfRange)
          return
        }
        y[position] = updates[i]
      }
    }
  }
}

private struct SliceScatter: WordVisitor {
  let reader: IndexReader
  let indices: Slot
  let updates: Slot
  let to: Slot
  /// Index vectors.
  let count: Int
  let depth: Int
  /// Elements that one vector names.
  let slice: Int
  let lengths: LookupTable<Int>

  func visit<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> Step {
    let scatter = self
    return Step(kernel: "scatter_nd") { work in
      let updates = work.pointer(scatter.updates, as: T.self)
      let y = work.pointer(scatter.to, as: T.self)
      let indices = work.raw(scatter.indices)
      for vector in 0..<scatter.count {
        var row = 0
        for k in 0..<scatter.depth {
          let length = scatter.lengths[k]
          guard
            let index = scatter.reader.position(vector * scatter.depth + k, in: length, indices)
          else {
            work.fail(.indexOutOfRange)
            return
          }
          row = row * length + index
        }
        (y + row * scatter.slice).update(
          from: updates + vector * scatter.slice, count: scatter.slice)
      }
    }
  }
}
