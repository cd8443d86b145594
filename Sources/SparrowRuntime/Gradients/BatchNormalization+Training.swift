import CKernels
import SparrowCore

/// The elements of one channel, in planes that lie apart:
/// ```
/// image 0: | c0 ..... | c1 ..... | ...
/// image 1: | c0 ..... | c1 ..... | ...
/// ```
/// A channel's sums are taken image after image, so that they do not depend on the number of workers.
private struct ChannelPlanes: @unchecked Sendable {
  let images: Int
  let channels: Int
  let plane: Int
  let kernels: UnsafePointer<sp_kernel_table>

  init(_ x: Preparation.Operand, _ p: Preparation) {
    (images, channels) = (x.shape[0], x.shape[1])
    plane = x.shape.dropFirst(2).reduce(1, *)
    kernels = p.kernels
  }

  var depth: Double { Double(max(1, images * plane)) }

  func tasks(_ p: Preparation, passes: Int) -> Chunks {
    Chunks(channels, tasks: p.tasks(work: images * channels * plane * passes, limit: 64))
  }

  func offset(_ image: Int, _ channel: Int) -> Int { (image * channels + channel) * plane }

  /// The channel's mean, and variance about it.
  func moments(_ x: UnsafePointer<Float>, _ channel: Int) -> (mean: Double, variance: Double) {
    var sum = 0.0
    for image in 0..<images {
      sum += Double(kernels.pointee.f32_sum(plane, x + offset(image, channel)))
    }
    let mean = sum / depth
    var squares = 0.0
    for image in 0..<images {
      squares += Double(
        kernels.pointee.f32_squares(plane, x + offset(image, channel), Float(mean)))
    }
    return (mean, squares / depth)
  }
}

extension BatchNormalization {
  /// In training mode, float32: a task takes a few channels through all their passes while they are in
  /// the cache.
  func prepareTraining(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let x = try p.input(0)
    let planes = ChannelPlanes(x, p)
    let chunks = planes.tasks(p, passes: 3)
    let (from, to) = (p.slot(x), p.slot(p.outputs[0]))
    let (scale, bias) = (p.slot(try p.input(1)), p.slot(try p.input(2)))
    let old = [p.slot(try p.input(3)), p.slot(try p.input(4))]
    let new = p.outputs.dropFirst().map { p.slot($0) }
    let (epsilon, kept) = (Double(epsilon), Double(momentum))
    return Step(
      tasks: chunks.tasks, kernel: "f32_batch_norm training \(p.isaName)",
      inPlaceInput: p.inPlaceInput([0])
    ) { work in
      for c in chunks.range(work.task) {
        let (mean, variance) = planes.moments(work.floats(from), c)
        for (i, value) in [mean, variance].enumerated() where i < new.count {
          let before = Double(work.floats(old[i])[c])
          work.floats(new[i])[c] = Float(before * kept + value * (1 - kept))
        }
        let factor = Double(work.floats(scale)[c]) / (variance + epsilon).squareRoot()
        let shift = Float(Double(work.floats(bias)[c]) - mean * factor)
        for image in 0..<planes.images {
          let first = planes.offset(image, c)
          planes.kernels.pointee.f32_scale_shift(
            planes.plane, work.floats(from) + first, Float(factor), shift, work.floats(to) + first)
        }
      }
    }
  }
}

extension BatchNormalizationGradient {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, scale, gradient) = (try p.input(0), try p.input(1), try p.input(2))
    guard [x, scale, gradient].allSatisfy({ $0.dtype == .float32 }), scale.count == x.shape[1]
    else { return p.referenceStep(.batchNormalizationGradient(self)) }
    let planes = ChannelPlanes(x, p)
    let chunks = planes.tasks(p, passes: 5)
    let (from, factors, gradients) = (p.slot(x), p.slot(scale), p.slot(gradient))
    let outputs = p.outputs.map { p.slot($0) }
    let epsilon = Double(self.epsilon)
    return Step(
      tasks: chunks.tasks, kernel: "f32_batch_norm_gradient \(p.isaName)",
      inPlaceInput: p.inPlaceInput([0, 2])
    ) { work in
      for c in chunks.range(work.task) {
        let (x, g) = (work.floats(from), work.floats(gradients))
        let (mean, variance) = planes.moments(x, c)
        let center = Float(mean)
        let inverse = 1 / (variance + epsilon).squareRoot()
        var (sum, dot) = (0.0, 0.0)
        for image in 0..<planes.images {
          let first = planes.offset(image, c)
          sum += Double(planes.kernels.pointee.f32_sum(planes.plane, g + first))
          dot += Double(
            planes.kernels.pointee.f32_centered_dot(planes.plane, x + first, center, g + first))
        }
        let factor = Double(work.floats(factors)[c]) * inverse
        let slope = Float(-factor * inverse * inverse * dot / planes.depth)
        let shift = Float(-factor * sum / planes.depth)
        for image in 0..<planes.images {
          let first = planes.offset(image, c)
          planes.kernels.pointee.f32_blend(
            planes.plane, x + first, center, slope, g + first, Float(factor), shift,
            work.floats(outputs[0]) + first)
        }
        if outputs.count > 1 { work.floats(outputs[1])[c] = Float(dot * inverse) }
        if outputs.count > 2 { work.floats(outputs[2])[c] = Float(sum) }
      }
    }
  }
}
