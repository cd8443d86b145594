extension Conv {
  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let shape = try outputShape(x)
    let (input, weight) = (try x.shape(0), try x.shape(1))
    let table = try WindowTable(
      try window.concrete(kernel: Array(weight[2...]), input: Array(input[2...])),
      input: Array(input[2...]), output: Array(shape[2...]))
    let (data, weights) = (try x.doubles(0), try x.doubles(1))
    let (channels, plane) = (weight[1], input[2...].elementCount)
    let (outputs, outputsEach) = (weight[0], max(1, weight[0] / group))
    var sums = try startingSums(x, shape, biasInput: 2)
    for unit in 0..<shape[0] * outputs {
      let (image, output) = (unit / outputs, unit % outputs)
      for c in 0..<channels {
        let source = (image * input[1] + output / outputsEach * channels + c) * plane
        let first = (output * channels + c) * table.taps
        for position in 0..<table.outputs {
          var sum = 0.0
          for t in 0..<table.taps {
            let entry = table.entries[position * table.taps + t]
            if entry >= 0 { sum += data[source + entry] * weights[first + t] }
          }
          sums[unit * table.outputs + position] += sum
        }
      }
    }
    if x.has(3) {
      let addend = try x.doubles(3)
      guard addend.count == sums.count else { throw ComputeError("the addend has another shape") }
      for i in sums.indices { sums[i] += addend[i] }
    }
    return [Tensor(try x.dtype(0), shape, doubles: sums.map { activation.value($0) })]
  }
}

extension ConvTranspose {
  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let shape = try outputShape(x)
    let (input, weight) = (try x.shape(0), try x.shape(1))
    let resolved: Window.Resolved
    do throws(InferenceError) {
      resolved = try self.resolved(kernel: Array(weight[2...]), input: Array(input[2...])).window
    } catch {
      throw ComputeError(error)
    }
    // The window slides over the output, one position for each input element.
    let table = try WindowTable(resolved, input: Array(shape[2...]), output: Array(input[2...]))
    let (data, weights) = (try x.doubles(0), try x.doubles(1))
    let (channels, outputsEach, plane) = (input[1], weight[1], shape[2...].elementCount)
    let channelsEach = max(1, channels / group)
    var sums = try startingSums(x, shape, biasInput: 2)
    for unit in 0..<input[0] * channels {
      let (image, channel) = (unit / channels, unit % channels)
      for o in 0..<outputsEach {
        let output = channel / channelsEach * outputsEach + o
        let target = (image * shape[1] + output) * plane
        let first = (channel * outputsEach + o) * table.taps
        for position in 0..<table.outputs {
          let value = data[unit * table.outputs + position]
          for t in 0..<table.taps {
            let entry = table.entries[position * table.taps + t]
            if entry >= 0 { sums[target + entry] += value * weights[first + t] }
          }
        }
      }
    }
    return [Tensor(try x.dtype(0), shape, doubles: sums.map { activation.value($0) })]
  }
}

/// Every element of an output `[N, C, ...]` set to its channel's bias, or 0.
func startingSums(
  _ x: Operands, _ shape: [Int], biasInput: Int
) throws(ComputeError) -> [Double] {
  let count = shape.elementCount
  guard x.has(biasInput) else { return [Double](repeating: 0, count: count) }
  let bias = try x.doubles(biasInput)
  guard bias.count == shape[1] else {
    throw ComputeError("the bias has \(bias.count) elements, expected \(shape[1])")
  }
  let plane = shape[2...].elementCount
  return (0..<count).map { bias[$0 / plane % shape[1]] }
}

extension Activation {
  /// The function's value.
  func value(_ x: Double) -> Double {
    func clamped(_ y: Double) -> Double { Swift.max(0, Swift.min(1, y)) }
    return switch self {
    case .none: x
    case .relu: x > 0 || x.isNaN ? x : 0
    case .clip(let low, let high):
      x.isNaN ? x : Swift.min(Swift.max(x, Double(low)), Double(high))
    case .sigmoid: 1 / (1 + Math.exp(-x))
    case .silu: x / (1 + Math.exp(-x))
    case .tanh: Math.tanh(x)
    case .gelu: x * (1 + Math.erf(x / 2.0.squareRoot())) / 2
    case .hardSigmoid(let alpha, let beta): clamped(Double(alpha) * x + Double(beta))
    case .hardSwish: x * clamped(x / 6 + 0.5)
    }
  }
}
