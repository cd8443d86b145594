/// Walks through shapes, for reference implementations.
extension Array where Element == Int {
  /// For each element of `target`, which this shape is broadcast to, the position of its own element,
  /// row-major.
  package func positions(broadcastTo target: [Int]) -> [Int] {
    let own = rowMajorStrides
    let missing = target.count - count
    var positions = [0]
    for axis in target.indices {
      let stride = axis < missing || self[axis - missing] == 1 ? 0 : own[axis - missing]
      var next: [Int] = []
      next.reserveCapacity(positions.count * target[axis])
      for start in positions {
        for i in 0..<target[axis] { next.append(start + i * stride) }
      }
      positions = next
    }
    return positions
  }

  /// The shape that this one and `other` are broadcast to.
  package func broadcast(with other: [Int]) throws(ComputeError) -> [Int] {
    do throws(InferenceError) {
      let shape = try ShapeRules.broadcast(map { .known($0) }, other.map { .known($0) }) ?? []
      return try TensorType(.float64, shape).computableShape()
    } catch {
      throw ComputeError(error)
    }
  }
}

extension TensorType {
  /// The known shape of a result that a reference implementation makes out of numbers: of fewer
  /// elements than would exhaust the memory.
  package func computableShape() throws(InferenceError) -> [Int] {
    guard let shape, let count = shape.checkedElementCount, count <= 1 << 28 else {
      throw InferenceError("a result of type \(text) is not known or too large to compute")
    }
    return shape
  }
}

extension Tensor {
  /// The elements of an integer or bool tensor; unsigned ones beyond `Int.max` wrap around. Empty for
  /// floating-point types.
  package var wrappedIntegers: [Int] {
    dtype == .uint64
      ? array(of: UInt64.self).map { Int(truncatingIfNeeded: $0) } : integers ?? []
  }

  /// Applies `function` to each run of numbers along `axis`, which it may change, and rounds the
  /// results to this tensor's type.
  package func mapRuns(axis: Int, _ function: (inout [Double]) -> Void) -> Tensor {
    let view = AxisView(shape, axis: axis)
    let (outer, length, inner) = (view.outer, view.length, view.inner)
    var values = doubles
    for start in 0..<outer {
      for column in 0..<inner {
        let first = start * length * inner + column
        var run = (0..<length).map { values[first + $0 * inner] }
        function(&run)
        for i in 0..<length { values[first + i * inner] = run[i] }
      }
    }
    return Tensor(dtype, shape, doubles: values)
  }
}

extension Operator {
  /// The outputs' shapes for concrete operands, from type inference.
  package func outputTypes(_ x: Operands) throws(ComputeError) -> [(dtype: DType, shape: [Int])] {
    do throws(InferenceError) {
      var types: [(dtype: DType, shape: [Int])] = []
      for type in try inferTypes(x.context) {
        types.append((type.dtype, try type.computableShape()))
      }
      return types
    } catch {
      throw ComputeError(error)
    }
  }
}
