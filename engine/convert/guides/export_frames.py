#!/usr/bin/env python3
"""Saves what a deformation network makes of its Gaussians, frame by frame, in a form that Vivant reads.

Run it in the environment and the folder of the trainer's own repository, with the trainer's own arguments after "--":

    python export_frames.py deformable3dgs --frames 150 --out params.npz -- -m output/lego --iteration 40000
    python export_frames.py 4dgaussians    --frames 300 --out params.npz -- -m output/cook --configs arguments/dynerf/cook.py
    python export_frames.py stag4d         --frames  60 --out params.npz -- --model logs/panda_model
    python export_frames.py 3dgstream      --frames 300 --out frames/    -- --path flame_steak --config cfg/ntc.json
    python export_frames.py mine.py        --frames 100 --out params.npz -- whatever mine.py takes

Then: vivant convert params.npz take.vvt --fps 30

A system whose Gaussians stay the same through all frames is saved as params.npz: the layout of Dynamic3DGaussians,
where what varies stands for every frame, [T, N, ...], and what does not stands once, [N, ...]:

    means3D [T,N,3]  unnorm_rotations [.,N,4] wxyz  rgb_colors [.,N,3] = 0.5 + C0*f_dc  logit_opacities [.,N,1]
    log_scales [.,N,3]  sh_rest [.,N,K,3], K = 3, 8 or 15 coefficients, as features_rest has them

One whose Gaussians come and go is saved as a folder of PLY files with a vertex_id, by which each is followed.

Anything else: write a file mine.py with a function frames(times, arguments) that yields a dictionary a frame, as the
adapters below do, and name it in the place of a system. Needs numpy; the adapters need torch and the trainer's code.
"""

import argparse
import importlib.util
import os
import sys
import zipfile

import numpy as np

C0 = 0.28209479177387814


# What a frame is -------------------------------------------------------------------------------------------------------
#
# A dictionary of arrays (or torch tensors) over the N Gaussians of that frame:
#   xyz [N,3]; rotation [N,4] wxyz; scale [N,3] linear; opacity [N] or [N,1] in 0..1; f_dc [N,3]; f_rest [N,K,3] or absent;
#   id [N], whole numbers, where Gaussians come and go; unit: False where rotations go into the covariance at any length.


def array(value, shape):
    """A float32 array of this shape, from numpy or torch."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.ascontiguousarray(np.asarray(value, dtype=np.float32).reshape(shape))


def checked(frame):
    """A frame as arrays of the shapes they must have."""
    xyz = array(frame["xyz"], (-1, 3))
    count = len(xyz)
    out = {"xyz": xyz}
    for name, width in (("rotation", 4), ("scale", 3), ("f_dc", 3), ("opacity", 1)):
        out[name] = array(frame[name], (count, width))
    rest = frame.get("f_rest")
    rest = np.zeros((count, 0, 3), np.float32) if rest is None else array(rest, (count, -1, 3))
    if rest.shape[1] not in (0, 3, 8, 15):
        raise SystemExit(f"f_rest has {rest.shape[1]} coefficients; harmonics come as 3, 8 or 15 (degree 1, 2 or 3)")
    out["f_rest"] = rest
    if frame.get("id") is not None:
        ids = frame["id"].detach().cpu().numpy() if hasattr(frame["id"], "detach") else np.asarray(frame["id"])
        out["id"] = ids.reshape(count).astype(np.int64)
        if len(np.unique(out["id"])) != count:
            raise SystemExit("two Gaussians of a frame have the same id")
    if not frame.get("unit", True):
        out["scale"], out["rotation"] = baked(out["scale"], out["rotation"])
    return out


def matrices(rotation):
    """The matrices that the rasteriser makes of quaternions wxyz, whatever their length."""
    w, x, y, z = np.asarray(rotation, np.float64).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def baked(scale, rotation):
    """Scales and unit quaternions of the covariances that the rasteriser makes of quaternions of any length.

    For q = s*u, |u| = 1, the matrix is (1 - s*s)*I + s*s*R(u): no rotation. Its covariance has axes of its own, which are
    named and directed so that they change from frame to frame as smoothly as the quaternion does.
    """
    matrix = matrices(rotation)
    factor = matrix * np.asarray(scale, np.float64)[:, None, :]
    # The axes in descending order, and the order in which they are most like those of the quaternion.
    axes, sizes, _ = np.linalg.svd(factor)
    u, _, v = np.linalg.svd(matrix)
    near = u @ v
    orders = np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    along = np.einsum("nki,nkj->nij", axes, near)
    like = np.stack([np.abs(along[:, order, [0, 1, 2]]).sum(1) for order in orders], 1)
    order = orders[like.argmax(1)]
    row = np.arange(len(order))[:, None]
    dots = along[row, order, np.arange(3)[None, :]]
    picked = np.take_along_axis(axes, order[:, None, :], 2) * np.where(dots < 0, -1.0, 1.0)[:, None, :]
    # A mirror is no rotation: the axis whose direction says least is turned back.
    mirrored = np.linalg.det(picked) < 0
    weakest = np.abs(dots).argmin(1)
    picked[mirrored, :, weakest[mirrored]] *= -1.0
    return np.take_along_axis(sizes, order, 1).astype(np.float32), quaternions(picked).astype(np.float32)


def quaternions(m):
    """Unit quaternions wxyz of rotation matrices."""
    four = np.stack(
        [
            1 + m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2],
            1 + m[:, 0, 0] - m[:, 1, 1] - m[:, 2, 2],
            1 - m[:, 0, 0] + m[:, 1, 1] - m[:, 2, 2],
            1 - m[:, 0, 0] - m[:, 1, 1] + m[:, 2, 2],
        ],
        1,
    )
    a, b, c = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    d, e, f = m[:, 0, 1] + m[:, 1, 0], m[:, 0, 2] + m[:, 2, 0], m[:, 1, 2] + m[:, 2, 1]
    all_ways = np.stack(
        [
            np.stack([four[:, 0], a, b, c], 1),
            np.stack([a, four[:, 1], d, e], 1),
            np.stack([b, d, four[:, 2], f], 1),
            np.stack([c, e, f, four[:, 3]], 1),
        ],
        1,
    )
    best = all_ways[np.arange(len(m)), four.argmax(1)]
    return best / np.linalg.norm(best, axis=1, keepdims=True)


# Writers ---------------------------------------------------------------------------------------------------------------


def logits(opacity):
    opacity = np.clip(opacity.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.log(opacity / (1 - opacity)).astype(np.float32)


class Growing:
    """An array that grows by a frame at a time in a file beside the result; it is kept once if all frames are alike."""

    def __init__(self, path):
        self.path, self.file, self.first, self.alike, self.frames = path, open(path, "wb"), None, True, 0

    def add(self, values):
        values = np.ascontiguousarray(values, "<f4")
        if self.first is None:
            self.first = values
        elif values.shape != self.first.shape:
            raise SystemExit("another number of Gaussians than in the frame before: give every Gaussian an id, and a folder as --out")
        self.alike = self.alike and np.array_equal(values, self.first)
        self.file.write(values.tobytes())
        self.frames += 1

    def store(self, archive, name, always):
        self.file.close()
        once = self.alike and not always
        shape = self.first.shape if once else (self.frames,) + self.first.shape
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        with archive.open(name + ".npy", "w", force_zip64=True) as out:
            np.lib.format.write_array_header_1_0(out, header)
            if once:
                out.write(self.first.tobytes())
            else:
                with open(self.path, "rb") as file:
                    while block := file.read(1 << 24):
                        out.write(block)
        os.remove(self.path)


def save_params(path, frames):
    """Saves frames of the same Gaussians as params.npz, stored, so that it can be read frame by frame."""
    names = ("means3D", "unnorm_rotations", "rgb_colors", "logit_opacities", "log_scales", "sh_rest")
    growing = {name: Growing(f"{path}.{name}.part") for name in names}
    harmonics = False
    for number, frame in enumerate(frames):
        frame = checked(frame)
        growing["means3D"].add(frame["xyz"])
        growing["unnorm_rotations"].add(frame["rotation"])
        growing["rgb_colors"].add(0.5 + C0 * frame["f_dc"])
        growing["logit_opacities"].add(logits(frame["opacity"]))
        growing["log_scales"].add(np.log(np.maximum(frame["scale"], 1e-12)))
        growing["sh_rest"].add(frame["f_rest"])
        harmonics = frame["f_rest"].shape[1] > 0
        print(f"\rframe {number + 1}: {len(frame['xyz'])} Gaussians", end="", file=sys.stderr)
    print(file=sys.stderr)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, values in growing.items():
            if name == "sh_rest" and not harmonics:
                values.file.close()
                os.remove(values.path)
            else:
                values.store(archive, name, name == "means3D")


def save_ply(path, frame):
    """Saves a frame in the INRIA layout with a vertex_id."""
    count, coefficients = frame["f_rest"].shape[:2]
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    names += [f"f_rest_{number}" for number in range(coefficients * 3)]
    names += ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    columns = [
        frame["xyz"],
        np.zeros((count, 3), np.float32),
        frame["f_dc"],
        # Channel by channel.
        frame["f_rest"].transpose(0, 2, 1).reshape(count, coefficients * 3),
        logits(frame["opacity"]),
        np.log(np.maximum(frame["scale"], 1e-12)),
        frame["rotation"],
    ]
    rows = np.empty(count, dtype=[(name, "<f4") for name in names] + [("vertex_id", "<i4")])
    for name, values in zip(names, np.concatenate(columns, 1).T):
        rows[name] = values
    rows["vertex_id"] = frame["id"]
    header = "ply\nformat binary_little_endian 1.0\n" + f"element vertex {count}\n"
    header += "".join(f"property float {name}\n" for name in names) + "property int vertex_id\nend_header\n"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(header.encode("ascii"))
        file.write(rows.tobytes())


def save_folder(folder, frames):
    """Saves frames of Gaussians that come and go: folder/0000/point_cloud.ply and so on."""
    for number, frame in enumerate(frames):
        frame = checked(frame)
        frame.setdefault("id", np.arange(len(frame["xyz"])))
        save_ply(os.path.join(folder, f"{number:04}", "point_cloud.ply"), frame)
        print(f"\rframe {number + 1}: {len(frame['xyz'])} Gaussians", end="", file=sys.stderr)
    print(file=sys.stderr)


# Adapters: which call gives the Gaussians of a system at a time (0..1) ---------------------------------------------------


def deformable3dgs(times, arguments):
    """Deformable-3DGS (ingra14m): offsets are added after activation, and the sum of quaternions is not made unit."""
    import torch
    from arguments import ModelParams, get_combined_args
    from scene import DeformModel, GaussianModel, Scene

    parser = argparse.ArgumentParser()
    model = ModelParams(parser, sentinel=True)
    parser.add_argument("--iteration", default=-1, type=int)
    sys.argv = [sys.argv[0]] + arguments
    args = get_combined_args(parser)
    dataset = model.extract(args)
    gaussians = GaussianModel(dataset.sh_degree)
    Scene(dataset, gaussians, load_iteration=args.iteration, shuffle=False)
    deform = DeformModel(dataset.is_blender, dataset.is_6dof)
    deform.load_weights(dataset.model_path)
    with torch.no_grad():
        for t in times:
            xyz = gaussians.get_xyz
            time = torch.full((len(xyz), 1), t, device=xyz.device)
            d_xyz, d_rotation, d_scaling = deform.step(xyz, time)
            if dataset.is_6dof and torch.is_tensor(d_xyz):
                moved = (d_xyz @ torch.cat([xyz, torch.ones_like(xyz[:, :1])], 1)[..., None])[..., 0]
                moved = moved[:, :3] / moved[:, 3:]
            else:
                moved = xyz if dataset.is_6dof else xyz + d_xyz
            yield {
                "xyz": moved,
                "rotation": gaussians.get_rotation + d_rotation,
                "unit": False,
                "scale": gaussians.get_scaling + d_scaling,
                "opacity": gaussians.get_opacity,
                "f_dc": gaussians._features_dc[:, 0],
                "f_rest": gaussians._features_rest,
            }


def fourdgaussians(times, arguments):
    """4DGaussians (hustvl): the network takes what is stored and gives what is stored; then it is activated.

    (Its own export_perframe_3DGS.py leaves the opacities as they were before deformation.)
    """
    import torch
    from arguments import ModelHiddenParams, ModelParams, get_combined_args
    from scene import GaussianModel, Scene

    parser = argparse.ArgumentParser()
    model, hidden = ModelParams(parser, sentinel=True), ModelHiddenParams(parser)
    parser.add_argument("--iteration", default=-1, type=int)
    parser.add_argument("--configs", type=str)
    sys.argv = [sys.argv[0]] + arguments
    args = get_combined_args(parser)
    if args.configs:
        import mmcv
        from utils.params_utils import merge_hparams

        args = merge_hparams(args, mmcv.Config.fromfile(args.configs))
    dataset = model.extract(args)
    gaussians = GaussianModel(dataset.sh_degree, hidden.extract(args))
    Scene(dataset, gaussians, load_iteration=args.iteration, shuffle=False)
    with torch.no_grad():
        for t in times:
            time = torch.full((len(gaussians.get_xyz), 1), t, device=gaussians.get_xyz.device)
            stored = (gaussians._scaling, gaussians._rotation, gaussians._opacity, gaussians.get_features)
            xyz, scale, rotation, opacity, features = gaussians._deformation(gaussians.get_xyz, *stored, time)
            yield {
                "xyz": xyz,
                "rotation": gaussians.rotation_activation(rotation),
                "scale": gaussians.scaling_activation(scale),
                "opacity": gaussians.opacity_activation(opacity),
                "f_dc": features[:, 0],
                "f_rest": features[:, 1:],
            }


def stag4d(times, arguments):
    """STAG4D (zeng-yifei): as 4DGaussians, without colours in the network. For other text-to-4D on the same renderer too."""
    import torch
    from gs_renderer_4d import Renderer

    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True, help="the folder with the model's .ply and deformation.pth")
    parser.add_argument("--ply", default=None, help="the .ply, if it is not model.ply in that folder")
    parser.add_argument("--sh-degree", default=0, type=int)
    args = parser.parse_args(arguments)
    gaussians = Renderer(sh_degree=args.sh_degree).gaussians
    gaussians.load_ply(args.ply or os.path.join(args.model, "model.ply"))
    gaussians.load_model(args.model)
    with torch.no_grad():
        for t in times:
            time = torch.full((len(gaussians.get_xyz), 1), t, device=gaussians.get_xyz.device)
            stored = (gaussians._scaling, gaussians._rotation, gaussians._opacity)
            xyz, scale, rotation, opacity = gaussians._deformation(gaussians.get_xyz, *stored, time)
            yield {
                "xyz": xyz,
                "rotation": gaussians.rotation_activation(rotation),
                "scale": gaussians.scaling_activation(scale),
                "opacity": gaussians.opacity_activation(opacity),
                "f_dc": gaussians._features_dc[:, 0],
                "f_rest": gaussians._features_rest,
            }


def stream3dgs(times, arguments):
    """3DGStream (SJoJoK): every frame moves the Gaussians of the one before, and shows some of its own besides."""
    import commentjson
    import tinycudann as tcnn
    import torch
    from ntc import NeuralTransformationCache
    from scene.gaussian_model import GaussianModel

    parser = argparse.ArgumentParser()
    parser.add_argument("--path", required=True, help="the folder with init_3dgs.ply, NTCs/ and additional_3dgs/")
    parser.add_argument("--config", default=None, help="the network's settings, if they are not NTCs/config.json")
    parser.add_argument("--sh-degree", default=1, type=int)
    args = parser.parse_args(arguments)
    with open(args.config or os.path.join(args.path, "NTCs", "config.json"), encoding="utf-8") as file:
        settings = commentjson.load(file)

    def of(gaussians):
        return {
            "xyz": gaussians._xyz,
            "rotation": gaussians.rotation_activation(gaussians._rotation),
            "scale": gaussians.scaling_activation(gaussians._scaling),
            "opacity": gaussians.opacity_activation(gaussians._opacity),
            "f_dc": gaussians._features_dc[:, 0],
            "f_rest": gaussians._features_rest,
        }

    gaussians = GaussianModel(args.sh_degree)
    gaussians.load_ply(os.path.join(args.path, "init_3dgs.ply"))
    fixed = len(gaussians._xyz)
    next_id = fixed
    for number, _ in enumerate(times):
        if number > 0:
            model = tcnn.NetworkWithInputEncoding(
                n_input_dims=3, n_output_dims=8, encoding_config=settings["encoding"], network_config=settings["network"]
            ).to("cuda")
            cache = NeuralTransformationCache(model, torch.zeros(3).cuda(), torch.ones(3).cuda())
            cache.load_state_dict(torch.load(os.path.join(args.path, "NTCs", f"NTC_{number - 1:06}.pth")))
            gaussians.ntc = cache
            gaussians.query_ntc_eval()
            gaussians.update_by_ntc()
        frame = {name: value.detach() for name, value in of(gaussians).items()}
        frame["id"] = torch.arange(fixed)
        own = os.path.join(args.path, "additional_3dgs", f"additions_{number - 1:06}.ply")
        if number > 0 and os.path.isfile(own):
            added = GaussianModel(args.sh_degree)
            added.load_ply(own)
            count = len(added._xyz)
            for name, value in of(added).items():
                frame[name] = torch.cat([frame[name], value.detach()])
            frame["id"] = torch.cat([frame["id"], torch.arange(next_id, next_id + count)])
            next_id += count
        yield frame


def own_file(path):
    """The frames() of a file that the user wrote."""
    spec = importlib.util.spec_from_file_location("own_frames", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.frames


SYSTEMS = {
    "deformable3dgs": deformable3dgs,
    "4dgaussians": fourdgaussians,
    "stag4d": stag4d,
    "3dgstream": stream3dgs,
}


def main():
    ours, theirs = sys.argv[1:], []
    if "--" in ours:
        at = ours.index("--")
        ours, theirs = ours[:at], ours[at + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", help=", ".join(SYSTEMS) + ", or a .py file with frames(times, arguments)")
    parser.add_argument("--frames", type=int, required=True, help="how many, evenly over the time from 0 to 1")
    parser.add_argument("--out", required=True, help="params.npz, or a folder for PLY files")
    args = parser.parse_args(ours)
    if args.frames < 1:
        parser.error("--frames must be 1 or more")
    if args.system in SYSTEMS:
        frames = SYSTEMS[args.system]
    elif args.system.endswith(".py"):
        frames = own_file(args.system)
    else:
        parser.error(f"{args.system}: neither of {', '.join(SYSTEMS)} nor a .py file")
    # The trainer's modules are in the folder that this is run in.
    sys.path.insert(0, os.getcwd())
    times = [number / max(args.frames - 1, 1) for number in range(args.frames)]
    save = save_params if args.out.endswith(".npz") else save_folder
    save(args.out, frames(times, theirs))


if __name__ == "__main__":
    main()
