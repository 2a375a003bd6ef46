"""Networks of diffusers as score models: process, prediction type, conditions and shape from what they say of themselves."""

from __future__ import annotations

import pytest
import torch
from needs import needs
from pipelines import diffusers, start, unet

import solvers_zoo as zoo

pytestmark = [needs("diffusers"), pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")]
X = start()


@pytest.mark.parametrize(
    ("settings", "sde"),
    [
        ({}, "ddpm-betas"),
        (
            {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
            "ddpm-betas(schedule=scaled-linear, beta_start=0.00085, beta_end=0.012)",
        ),
        ({"beta_schedule": "squaredcos_cap_v2", "num_train_timesteps": 100}, "ddpm-betas(schedule=cosine, num=100)"),
        ({"rescale_betas_zero_snr": True}, "ddpm-betas(zero_snr=true)"),
    ],
)
def test_named_tables(settings, sde):
    """The exact one, in double precision."""
    model = zoo.from_diffusers(unet(), diffusers.DDPMScheduler(**settings))
    assert str(model.sde) == sde
    assert zoo.registry.default().make("sde", sde) == model.sde


@pytest.mark.parametrize(
    "scheduler",
    [
        lambda: diffusers.DDPMScheduler(trained_betas=[0.01, 0.02, 0.05, 0.1, 0.3]),
        lambda: diffusers.DDPMScheduler(beta_schedule="sigmoid"),
        lambda: diffusers.DDPMScheduler(beta_schedule="laplace"),
        lambda: diffusers.CogVideoXDDIMScheduler(snr_shift_scale=3.0),
    ],
)
def test_any_table(scheduler):
    """The scheduler's own alphas are the process, whatever made them."""
    made = scheduler()
    sde = zoo.from_diffusers(unet(), made).sde
    for i, kept in list(enumerate(made.alphas_cumprod.tolist()))[:: len(made) // 5]:
        assert sde.alpha(float(i)) ** 2 == pytest.approx(kept, rel=1e-6, abs=1e-7)
    assert sde.t_max == len(made.alphas_cumprod) - 1
    assert len(str(sde)) < 60


@pytest.mark.parametrize("kind", ["epsilon", "sample", "v_prediction"])
def test_predictions_of_a_table(kind):
    """x0 as the scheduler itself makes it of the network's output."""
    scheduler = diffusers.DDIMScheduler(prediction_type=kind, clip_sample=False)
    scheduler.set_timesteps(1000)
    model = zoo.from_diffusers(unet(), scheduler)
    for t in (900, 500, 3):
        out = unet()(X, t).sample
        expected = scheduler.step(out, t, X).pred_original_sample
        assert torch.allclose(model(X, model.sde.at(t)).x0, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "scheduler", ["EDMEulerScheduler", "EDMDPMSolverMultistepScheduler", "CosineDPMSolverMultistepScheduler"]
)
@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_preconditioned(scheduler, kind):
    """Input, time and output go through the scheduler's own scalings."""
    made = getattr(diffusers, scheduler)(prediction_type=kind, sigma_max=80.0, sigma_min=0.01)
    model = zoo.from_diffusers(unet(), made)
    assert str(model.sde) == "edm(sigma_min=0.01)"
    for sigma in (50.0, 1.0, 0.02):
        level = torch.tensor(sigma)
        out = unet()(made.precondition_inputs(X * sigma, level), made.precondition_noise(level)).sample
        expected = made.precondition_outputs(X * sigma, out, level)
        assert torch.allclose(model(X * sigma, model.sde.at(sigma)).x0, expected, rtol=1e-4, atol=1e-4)


def test_flow_matching_and_ve():
    flow = zoo.from_diffusers(unet(), diffusers.FlowMatchEulerDiscreteScheduler())
    assert flow.kind == "flow"
    assert torch.allclose(flow.predict(X, flow.sde.at(0.3)), unet()(X, 300.0).sample, atol=1e-5)
    other = zoo.from_diffusers(
        unet(), diffusers.UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True)
    )
    assert (other.kind, other.sde) == (flow.kind, flow.sde)
    ve = zoo.from_diffusers(unet(), diffusers.ScoreSdeVeScheduler(sigma_max=100.0))
    assert (ve.kind, str(ve.sde)) == ("score", "ve(sigma_max=100.0)")
    assert torch.allclose(ve.predict(X, ve.sde.at(0.5)), unet()(X, ve.sde.sigma(0.5)).sample, atol=1e-5)


def test_pipeline_shape_labels_and_dropout():
    """A pipeline brings all; labels are a condition, a row a sample; a module is in evaluation mode for the call only."""
    net = unet(num_class_embeds=4, dropout=0.5)
    pipe = diffusers.DDPMPipeline(net, diffusers.DDPMScheduler())
    model = zoo.from_diffusers(pipe)
    assert model.shape == (1, 8, 8)
    labels = torch.tensor([0, 1, 3, 1, 2])
    net.train()
    run = zoo.sample(model, "ddim", steps=3, n=5, seed=0, condition={"class_labels": labels}, chunk=2)
    assert net.training
    net.eval()
    alone = zoo.sample(model, "ddim", steps=3, n=5, seed=0, condition={"class_labels": labels})
    assert torch.allclose(run.x, alone.x, rtol=1e-4, atol=1e-3)
    other = zoo.sample(model, "ddim", steps=3, n=5, seed=0, condition={"class_labels": labels.flip(0)})
    assert not torch.allclose(run.x[0], other.x[0])
    double = zoo.sample(model, "ddim", steps=3, n=2, condition={"class_labels": labels[:2]}, dtype=torch.float64)
    assert double.x.dtype is torch.float64


def test_encoder_states():
    """A text-conditioned U-Net takes its states by name."""
    torch.manual_seed(1)
    small = {"sample_size": 4, "in_channels": 2, "out_channels": 2, "layers_per_block": 1, "block_out_channels": (8,)}
    blocks = {"down_block_types": ("CrossAttnDownBlock2D",), "up_block_types": ("CrossAttnUpBlock2D",)}
    net = diffusers.UNet2DConditionModel(
        **small, **blocks, norm_num_groups=4, cross_attention_dim=6, attention_head_dim=4
    )
    model = zoo.from_diffusers(net, diffusers.DDIMScheduler(prediction_type="v_prediction"))
    states, x = torch.randn(2, 3, 6), torch.randn(2, 2, 4, 4)
    got = model.predict(x, model.sde.at(40.0), encoder_hidden_states=states)
    with torch.no_grad():
        assert torch.allclose(got, net.eval()(x, 40, encoder_hidden_states=states).sample, atol=1e-6)


def test_transformers_take_their_time_by_name():
    """And a learned variance behind the prediction is left out."""

    def net(hidden_states, encoder_hidden_states=None, timestep=None):
        return (torch.cat([hidden_states * timestep.reshape(-1, 1), hidden_states], 1),)

    model = zoo.from_diffusers(net, diffusers.DDPMScheduler(variance_type="learned_range"), shape=(2,))
    x = torch.ones(3, 2)
    assert torch.equal(model.predict(x, model.sde.at(7.0)), 7 * x)


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [
        (lambda: diffusers.IPNDMScheduler(), "IPNDMScheduler says nothing of"),
        (lambda: diffusers.DDPMWuerstchenScheduler(), "DDPMWuerstchenScheduler says nothing of"),
        (lambda: diffusers.DDPMScheduler(prediction_type="score"), "prediction_type = 'score' of DDPMScheduler"),
        (lambda: diffusers.FlowMatchEulerDiscreteScheduler(invert_sigmas=True), "invert_sigmas"),
        (lambda: diffusers.EDMEulerScheduler(prediction_type="sample"), "prediction_type = 'sample'"),
        (lambda: object(), "is no scheduler of diffusers"),
        (lambda: None, "give its scheduler"),
    ],
)
def test_unknown_in_one_sentence(scheduler, words):
    with pytest.raises(zoo.IncompatibleError, match=words) as caught:
        zoo.from_diffusers(unet(), scheduler())
    assert str(caught.value).count(". ") == 0


def test_pipeline_without_a_network():
    class Bare(diffusers.DiffusionPipeline):
        def __init__(self, scheduler):
            super().__init__()
            self.register_modules(scheduler=scheduler)

    with pytest.raises(zoo.IncompatibleError, match="Bare has no unet, transformer"):
        zoo.from_diffusers(Bare(diffusers.DDPMScheduler()))


def test_backwards_and_foreign_loops_need_a_grid():
    for scheduler, words in (
        (diffusers.DDIMInverseScheduler(), "zoo.encode"),
        (diffusers.ScoreSdeVeScheduler(), "grid="),
    ):
        ours = zoo.as_diffusers_scheduler("ddim", scheduler)
        with pytest.raises(zoo.IncompatibleError, match=words):
            ours.set_timesteps(5)
    ve = zoo.as_diffusers_scheduler("ddim", diffusers.ScoreSdeVeScheduler(), grid="karras")
    ve.set_timesteps(5)
    assert float(ve.timesteps[0]) == pytest.approx(ve.init_noise_sigma) == 1348.0
