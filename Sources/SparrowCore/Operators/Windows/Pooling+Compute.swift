extension Pool {
  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let spatial = Array(tensor.shape[2...])
    let table = try WindowTable(
      try window.concrete(kernel: nil, input: spatial), input: spatial,
      output: Array(shape[2...]))
    switch kind {
    case .max: return largest(tensor, table, shape).prefixed(x.outputCount)
    case .average: return [means(tensor, table, shape)]
    }
  }

  private func largest(_ tensor: Tensor, _ table: WindowTable, _ shape: [Int]) -> [Tensor] {
    let (words, keys) = (tensor.words, tensor.orderKeys)
    // What a window that holds padding only gives: the smallest number.
    let empty = Tensor(tensor.dtype, [1], doubles: [-.infinity]).words[0]
    let plane = tensor.shape[2...].elementCount
    var (values, indices): ([UInt64], [Int]) = ([], [])
    for channel in 0..<shape[0] * shape[1] {
      for position in 0..<table.outputs {
        var best: Int?
        for t in 0..<table.taps {
          let entry = table.entries[position * table.taps + t]
          guard entry >= 0 else { continue }
          let candidate = channel * plane + entry
          if best.map({ keys[candidate] > keys[$0] }) ?? true { best = candidate }
        }
        values.append(best.map { words[$0] } ?? empty)
        indices.append(best.map { index(channel * plane, $0 % plane, tensor.shape) } ?? 0)
      }
    }
    return [
      Tensor(tensor.dtype, shape, words: values), Tensor(.int64, shape, integers: indices),
    ]
  }

  /// The position of an element of a plane that starts at `start`, counted in the storage order.
  private func index(_ start: Int, _ position: Int, _ shape: [Int]) -> Int {
    guard countsColumnsFirst else { return start + position }
    var (rest, result) = (position, 0)
    var strides = 1
    var coordinates: [Int] = []
    for length in shape[2...].reversed() {
      coordinates.append(rest % length)
      rest /= length
    }
    for (length, coordinate) in zip(shape[2...], coordinates.reversed()) {
      result += coordinate * strides
      strides *= length
    }
    return start + result
  }

  private func means(_ tensor: Tensor, _ table: WindowTable, _ shape: [Int]) -> Tensor {
    let data = tensor.doubles
    let plane = tensor.shape[2...].elementCount
    var values: [Double] = []
    for channel in 0..<shape[0] * shape[1] {
      for position in 0..<table.outputs {
        var (sum, counted) = (0.0, 0)
        for t in 0..<table.taps {
          let entry = table.entries[position * table.taps + t]
          if entry >= 0 { sum += data[channel * plane + entry] }
          if entry >= 0 || countsPadding && entry == WindowTable.padding { counted += 1 }
        }
        values.append(counted == 0 ? 0 : sum / Double(counted))
      }
    }
    return Tensor(tensor.dtype, shape, doubles: values)
  }
}

extension GlobalPool {
  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let (tensor, shape) = (try x.tensor(0), try outputShape(x))
    let plane = tensor.shape[2...].elementCount
    guard plane > 0 || shape.elementCount == 0 else {
      throw ComputeError("its planes have no elements")
    }
    guard kind == .max else {
      let data = tensor.doubles
      let means = (0..<shape.elementCount).map { channel in
        data[channel * plane..<(channel + 1) * plane].reduce(0, +) / Double(plane)
      }
      return [Tensor(tensor.dtype, shape, doubles: means)]
    }
    let (words, keys) = (tensor.words, tensor.orderKeys)
    let largest = (0..<shape.elementCount).map { channel in
      var best = channel * plane
      for i in channel * plane..<(channel + 1) * plane where keys[i] > keys[best] { best = i }
      return words[best]
    }
    return [Tensor(tensor.dtype, shape, words: largest)]
  }
}
